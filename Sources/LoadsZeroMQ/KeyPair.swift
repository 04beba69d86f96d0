import CZeroMQ

/// A CURVE key pair, as Z85 text: 40 characters each.
public struct KeyPair: Sendable, Equatable, CustomStringConvertible {
    /// What others may know: 40 characters of Z85.
    public let publicKey: String
    let secretKey: String

    /// Draws a new pair.
    public static func generate() -> KeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secretKey = publicKey
        // Fails only where libzmq was built without CURVE; then it fails always, and no channel opens either.
        precondition(
            zmq_curve_keypair(&publicKey, &secretKey) == 0, "this libzmq has no CURVE: install Debian's libzmq5")
        return KeyPair(publicKey: text(publicKey), secretKey: text(secretKey))
    }

    init(publicKey: String, secretKey: String) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// The pair of a secret key; nil when the text is no key.
    init?(secretKey: String) {
        guard Self.isKey(secretKey) else { return nil }
        var publicKey = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&publicKey, secretKey) == 0 else { return nil }
        self.init(publicKey: Self.text(publicKey), secretKey: secretKey)
    }

    /// Names the public key only: a secret must not end in a log.
    public var description: String { "key \(publicKey)" }

    /// Whether a text is a key: 40 characters of Z85.
    static func isKey(_ text: String) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 32)
        return text.utf8.count == 40 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            && zmq_z85_decode(&bytes, text) != nil
    }

    /// The Z85 text of a key's 32 bytes, as libzmq hands it over; nil when they are another number.
    static func text(binary: [UInt8]) -> String? {
        guard binary.count == 32 else { return nil }
        var encoded = [CChar](repeating: 0, count: 41)
        guard zmq_z85_encode(&encoded, binary, 32) != nil else { return nil }
        return text(encoded)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
