import Glibc
import LoadsWire

/// The files that were shipped to this agent, by the hash of their content: `DIR/HASH`, checked when they came.
final class FileCache {
    private let directory: String

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

    /// - Parameter directory: Made if it is not there; drafts of an earlier process are removed.
    init(directory: String) throws(AgentError) {
        self.directory = directory
        try Files.makeDirectory(directory)
        for name in Files.list(directory) where name.hasSuffix(".part") { unlink("\(directory)/\(name)") }
    }

    func path(_ hash: String) -> String { "\(directory)/\(hash)" }

    /// Whether a file is there, and as long as it should be.
    func has(_ file: RunnerLaunch.File) -> Bool {
        var information = stat()
        return lstat(path(file.hash), &information) == 0 && information.st_mode & S_IFMT == S_IFREG
            && Int(information.st_size) == file.bytes
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
        return true
    }

    fileprivate static func failure(_ path: String) -> AgentError {
        AgentError("\(path): \(String(cString: strerror(errno)))")
    }
}
