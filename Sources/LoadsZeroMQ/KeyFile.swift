import Glibc
import LoadsTransport

/// Reads and writes the files that hold one key each, as a line of text.
enum KeyFile {
    /// Reads a public key.
    static func publicKey(_ path: String) throws(TransportError) -> String {
        let text = try read(path, secret: false)
        guard KeyPair.isKey(text) else { throw refusal(path, "holds no key: 40 characters of Z85 are expected") }
        return text
    }

    /// Reads a secret key, and with it the pair.
    ///
    /// - Throws: ``TransportError`` with code `keys`, also when others may read the file.
    static func pair(_ path: String) throws(TransportError) -> KeyPair {
        let text = try read(path, secret: true)
        guard let pair = KeyPair(secretKey: text) else {
            throw refusal(path, "holds no key: 40 characters of Z85 are expected")
        }
        return pair
    }

    /// Writes a key into a new file; one that is there is never overwritten.
    static func write(_ key: String, to path: String, secret: Bool) throws(TransportError) {
        // Written aside and linked: a master that looks into the folder meanwhile must not find half a key.
        let draft = "\(path).\(getpid()).new"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, secret ? 0o600 : 0o644)
        guard file >= 0 else { throw refusal(path, "cannot be written: \(reason())") }
        defer { unlink(draft) }
        let bytes = Array((key + "\n").utf8)
        let written = Glibc.write(file, bytes, bytes.count)
        let closed = close(file)
        guard written == bytes.count, closed == 0 else { throw refusal(path, "cannot be written: \(reason())") }
        guard link(draft, path) == 0 else {
            throw refusal(path, errno == EEXIST ? "is there already" : "cannot be written: \(reason())")
        }
    }

    /// Makes a folder that only its owner may enter; one that is there stays as it is.
    /// Makes a folder for nobody else's eyes, and the folders above it that are not there.
    static func makeFolder(_ path: String) throws(TransportError) {
        if let slash = path.dropFirst().lastIndex(of: "/"), !exists(String(path[..<slash])) {
            try makeFolder(String(path[..<slash]))
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw refusal(path, "cannot be made: \(reason())") }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func refusal(_ path: String, _ why: String) -> TransportError {
        TransportError(code: .keys, message: "\(path) \(why)")
    }

    private static func reason() -> String { String(cString: strerror(errno)) }

    private static func read(_ path: String, secret: Bool) throws(TransportError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw refusal(path, "cannot be read: \(reason())") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refusal(path, "is no file") }
        // Of the open file, so that nobody can put another one in its place in between.
        if secret, status.st_mode & 0o077 != 0 {
            throw refusal(path, "may be read by others: it is a secret. Run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw refusal(path, "cannot be read: \(reason())") }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        let text = bytes[..<count].drop(while: isSpace)
        return String(decoding: text.prefix(while: { !isSpace($0) }), as: UTF8.self)
    }
}
