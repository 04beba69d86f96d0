import CLinux
import Glibc
import LoadsWire

/// The folder in which a run's shipped files lie, as its launch names them.
struct RunDirectory {
    let path: String

    /// What is wrong with the files of a launch; nil when nothing is. The master checks as well: an agent trusts nobody
    /// with where it writes.
    static func problem(_ files: [RunnerLaunch.File]) -> String? {
        var seen: Set<String> = []
        for file in files {
            guard WireLimits.isRelativePath(file.path) else {
                return "\(file.path): not a path inside the run's folder"
            }
            guard WireLimits.isHexadecimal(file.hash, 64) else { return "\(file.path): its hash is no SHA-256" }
            guard file.bytes >= 0 else { return "\(file.path): its size is negative" }
            guard seen.insert(file.path).inserted else { return "\(file.path): shipped twice" }
        }
        return nil
    }

    /// Makes the folder out of cached files. What was there before is removed.
    static func make(_ path: String, _ files: [RunnerLaunch.File], from cache: FileCache) throws(AgentError)
        -> RunDirectory
    {
        Files.removeTree(path)
        try Files.makeDirectory(path)
        for file in files {
            let target = "\(path)/\(file.path)"
            if let slash = target.lastIndex(of: "/") { try Files.makeDirectory(String(target[..<slash])) }
            try place(file, cache.path(file.hash), target)
        }
        return RunDirectory(path: path)
    }

    /// A link where that is possible. A program may not be able to write to what it shares with other runs, but root's
    /// can: what is not executed is copied.
    private static func place(_ file: RunnerLaunch.File, _ source: String, _ target: String) throws(AgentError) {
        if file.executable, link(source, target) == 0 { return }
        let from = open(source, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else { throw failure(source) }
        defer { close(from) }
        let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.executable ? 0o700 : 0o600)
        guard to >= 0 else { throw failure(target) }
        defer { close(to) }
        var left = file.bytes
        while left > 0 {
            let count = loads_copy_file(from, to, left)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure(target) }
            left -= count
        }
    }

    private static func failure(_ path: String) -> AgentError {
        AgentError("\(path): \(String(cString: strerror(errno)))")
    }
}
