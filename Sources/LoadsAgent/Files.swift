import Glibc

/// Files and folders, through the C library.
enum Files {
    /// Makes a folder and those above it.
    static func makeDirectory(_ path: String) throws(AgentError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o700) != 0 && errno != EEXIST {
                throw AgentError("\(made): the folder cannot be made: \(String(cString: strerror(errno)))")
            }
        }
        guard isDirectory(path), access(path, W_OK | X_OK) == 0 else {
            throw AgentError(
                "\(path): not a folder that this agent may write to: name another one with --data", code: 64)
        }
    }

    /// The process's own.
    static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "." }
        defer { free(path) }
        return String(cString: path)
    }

    static func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder; none when it is not there.
    static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file, or a folder with all that is in it. Links are removed, not followed.
    static func removeTree(_ path: String) {
        if isDirectory(path) {
            for name in list(path) { removeTree("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// The first bytes of a file; nil when it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var done = 0
        while done < limit {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + done, limit - done) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(limit - done)
        return bytes
    }

    /// Writes a small file so that there is the whole of it or nothing, and flushes it.
    static func write(_ bytes: [UInt8], to path: String) throws(SpoolFailure) {
        let draft = "\(path).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolFailure(path, errno) }
        let written = Glibc.write(descriptor, bytes, bytes.count)
        let code = written < 0 ? errno : ENOSPC
        fdatasync(descriptor)
        close(descriptor)
        guard written == bytes.count, rename(draft, path) == 0 else {
            unlink(draft)
            throw SpoolFailure(path, written == bytes.count ? errno : code)
        }
    }
}
