import LoadsWire
import Testing

@Suite struct SHA256Tests {
    /// Vectors of NIST's examples and of `sha256sum`: empty, short, two blocks, and the lengths about a block's end.
    @Test(arguments: [
        ("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        ("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        ("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func digestsAreTheStandards(_ text: String, _ times: Int, _ digest: String) {
        #expect(SHA256.hexadecimal(of: Array(String(repeating: text, count: times).utf8)) == digest)
    }

    @Test(arguments: [1, 7, 63, 64, 65, 200]) func piecesMakeTheSameDigestAsTheWhole(_ size: Int) {
        let bytes = (0..<1000).map { UInt8($0 & 255) }
        var hash = SHA256()
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(bytes.count, start + size)].withUnsafeBytes { hash.add($0) }
            _ = hash.hexadecimal
        }
        #expect(hash.hexadecimal == SHA256.hexadecimal(of: bytes))
    }
}
