import Glibc
import LoadsWire

/// The files that were shipped to this agent, by the hash of their content: `DIR/HASH`, checked when they came, and once
/// in the life of an agent before they are used again: a power cut may leave less than was written.
///
/// Bounded: when more is wanted, what has not been used for the longest time goes (``makeRoom(for:keeping:)``).
final class FileCache {
    private let directory: String
    private let limit: Int
    /// Hashes of the files whose content this process has seen.
    private var checked: Set<String> = []

    /// A file on its way in.
    final class Draft {
        let path: String
        private var descriptor: Int32
        private var hash = SHA256()

        fileprivate init(path: String) throws(AgentError) {
            self.path = path
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw FileCache.failure(path) }
        }

        /// Nothing more comes: a program cannot be started while somebody has it open to write.
        fileprivate func finish() {
            guard descriptor >= 0 else { return }
            close(descriptor)
            descriptor = -1
        }

        deinit {
            finish()
            // Kept under its own name if it was good.
            unlink(path)
        }

        func append(_ bytes: [UInt8]) throws(AgentError) {
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw FileCache.failure(path) }
                done += count
            }
            bytes.withUnsafeBytes { hash.add($0) }
        }

        fileprivate var digest: String { hash.hexadecimal }
    }

    /// - Parameters:
    ///   - directory: Made if it is not there; drafts of an earlier process are removed.
    ///   - limit: Bytes that are kept, unless runs need more.
    init(directory: String, limit: Int = 4 << 30) throws(AgentError) {
        self.directory = directory
        self.limit = limit
        try Files.makeDirectory(directory)
        for name in Files.list(directory) where name.hasSuffix(".part") { unlink("\(directory)/\(name)") }
    }

    func path(_ hash: String) -> String { "\(directory)/\(hash)" }

    /// Whether a file is there, and as long as it should be. One of another length is removed.
    func has(_ file: RunnerLaunch.File) -> Bool {
        guard let found = information(file.hash) else { return false }
        guard found.st_mode & S_IFMT == S_IFREG, Int(found.st_size) == file.bytes else {
            drop(file.hash)
            return false
        }
        // The last use decides who goes first.
        utimensat(AT_FDCWD, path(file.hash), nil, 0)
        return true
    }

    /// Those of some files that are there with a content which nobody has looked at since this agent was started.
    func unchecked(_ files: [RunnerLaunch.File]) -> [String] {
        Set(files.map(\.hash)).filter { information($0) != nil && !checked.contains($0) }.sorted()
    }

    /// Takes note of what ``digests(of:)`` has found: a file with another content is removed.
    ///
    /// - Returns: The hashes of those that were.
    func take(_ digests: [String: String]) -> [String] {
        for (hash, digest) in digests { if digest == hash { checked.insert(hash) } else { drop(hash) } }
        return digests.filter { $0.key != $0.value }.keys.sorted()
    }

    /// Reads files, which may take long: not for the loop.
    ///
    /// - Parameter paths: By hash.
    static func digests(of paths: [String: String]) -> [String: String] {
        paths.mapValues { path in
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return "" }
            defer { close(descriptor) }
            var hash = SHA256()
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { space.deallocate() }
            while true {
                let count = read(descriptor, space.baseAddress, space.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { return "" }
                guard count > 0 else { return hash.hexadecimal }
                hash.add(UnsafeRawBufferPointer(rebasing: space[..<count]))
            }
        }
    }

    /// Removes what was not used for the longest time, until so many bytes more are within the limit.
    ///
    /// - Parameter needed: Hashes of files that stay in any case: runs need them, even if all of it is beyond the limit then.
    /// - Returns: How many files went.
    @discardableResult
    func makeRoom(for bytes: Int, keeping needed: Set<String>) -> Int {
        let names = Files.list(directory).filter { !$0.hasSuffix(".part") }
        let files = names.compactMap { name in information(name).map { (name: name, found: $0) } }
        var total = files.reduce(bytes) { $0 + Int($1.found.st_size) }
        guard total > limit else { return 0 }
        let oldest = files.filter { !needed.contains($0.name) }.sorted {
            ($0.found.st_mtim.tv_sec, $0.found.st_mtim.tv_nsec) < ($1.found.st_mtim.tv_sec, $1.found.st_mtim.tv_nsec)
        }
        var gone = 0
        for file in oldest where total > limit {
            drop(file.name)
            total -= Int(file.found.st_size)
            gone += 1
        }
        return gone
    }

    private func drop(_ name: String) {
        checked.remove(name)
        Files.removeTree(path(name))
    }

    private func information(_ name: String) -> stat? {
        var information = stat()
        return lstat(path(name), &information) == 0 ? information : nil
    }

    func draft(_ hash: String) throws(AgentError) -> Draft { try Draft(path: "\(path(hash)).part") }

    /// Takes a complete file in.
    ///
    /// - Returns: False when its content has another hash: it is not kept.
    func keep(_ draft: Draft, as file: RunnerLaunch.File) throws(AgentError) -> Bool {
        draft.finish()
        guard draft.digest == file.hash else { return false }
        chmod(draft.path, 0o500)
        guard rename(draft.path, path(file.hash)) == 0 else { throw Self.failure(path(file.hash)) }
        checked.insert(file.hash)
        return true
    }

    fileprivate static func failure(_ path: String) -> AgentError {
        AgentError("\(path): \(String(cString: strerror(errno)))")
    }
}
