import CSHA256

/// SHA-256, under which the files that are shipped to agents are addressed and checked.
public struct SHA256: Sendable {
    private var state = loads_sha256()

    /// No bytes yet.
    public init() { loads_sha256_start(&state) }

    /// Goes on with these bytes.
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        loads_sha256_add(&state, bytes.baseAddress, bytes.count)
    }

    /// The digest of what was added: 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        var copy = state
        var digest = [UInt8](repeating: 0, count: 32)
        loads_sha256_end(&copy, &digest)
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The digest of bytes that are there already.
    public static func hexadecimal(of bytes: [UInt8]) -> String {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.add($0) }
        return hash.hexadecimal
    }
}
