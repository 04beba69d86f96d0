import Glibc

/// A file that is read in pieces.
final class FileReader {
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(ClientError) {
        self.path = path
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    deinit { Glibc.close(descriptor) }

    /// - Returns: Fewer bytes at the end of the file, none behind it.
    func read(at offset: Int, count: Int) throws(ClientError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { space, filled in
            while filled < count {
                let taken = pread(descriptor, space.baseAddress! + filled, count - filled, offset + filled)
                if taken < 0 && errno == EINTR { continue }
                if taken < 0 { failed = true }
                if taken <= 0 { return }
                filled += taken
            }
        }
        if failed { throw Self.failure(path) }
        return bytes
    }

    private static func failure(_ path: String) -> ClientError {
        ClientError(code: .file, message: "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
