import CZlib
import CZstd
import Testing

@testable import LoadsSession

@Suite struct ContentDecoderTests {
    private static let plain = Array("Tarek Tarek Tarek Tarek Tarek Tarek Tarek".utf8)
    /// Made by the reference encoder, quality 5.
    private static let brotli: [UInt8] = [
        0x1B, 0x28, 0x00, 0x00, 0x04, 0x36, 0xE0, 0x48, 0x53, 0x08, 0x64, 0x98, 0xB6, 0xA3, 0x9E, 0x38, 0xD4, 0xBC,
        0x03,
    ]

    private static func deflated(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        _ = loads_deflate_init(&stream, windowBits)
        defer { deflateEnd(&stream) }
        var input = bytes
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 1024) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                _ = deflate(&stream, Z_FINISH)
                count = output.count - Int(stream.avail_out)
            }
        }
    }

    private static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
            count = ZSTD_compress(output.baseAddress, output.count, bytes, bytes.count, 3)
        }
    }

    private static func coded(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        switch name {
        case "gzip": deflated(bytes, windowBits: 15 + 16)
        case "zlib": deflated(bytes, windowBits: 15)
        case "raw": deflated(bytes, windowBits: -15)
        case "zstd": zstd(bytes)
        default: brotli
        }
    }

    private static let codings = [
        ("gzip", "gzip"), ("deflate", "zlib"), ("deflate", "raw"), ("zstd", "zstd"), ("br", "br"),
    ]

    @Test(arguments: codings) func decodesWholeBodies(_ field: String, _ form: String) throws {
        let chain = try #require(ContentDecoderChain(field))
        #expect(try chain.decodeAll(Self.coded(form, Self.plain), limit: 1000) == Self.plain)
    }

    @Test(arguments: codings) func decodesByteByByte(_ field: String, _ form: String) throws {
        let chain = try #require(ContentDecoderChain(field))
        var output: [UInt8] = []
        for byte in Self.coded(form, Self.plain) { output += try chain.decode([byte], limit: 1000) }
        try chain.finish()
        #expect(output == Self.plain)
    }

    @Test(arguments: codings) func noticesTruncation(_ field: String, _ form: String) throws {
        let chain = try #require(ContentDecoderChain(field))
        let data = Self.coded(form, Self.plain)
        #expect(throws: DecodingProblem.self) {
            try chain.decodeAll(Array(data.dropLast(form == "gzip" ? 9 : 3)), limit: 1000)
        }
    }

    @Test(arguments: codings) func noticesNonsense(_ field: String, _ form: String) throws {
        let chain = try #require(ContentDecoderChain(field))
        #expect(throws: DecodingProblem.self) {
            try chain.decodeAll([0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0xFA, 0xF9, 0xF8, 0xF7], limit: 1000)
        }
    }

    @Test(arguments: codings) func refusesMoreThanTheLimit(_ field: String, _ form: String) throws {
        let data = Self.coded(form, Self.plain)
        let exact = try #require(ContentDecoderChain(field))
        #expect(try exact.decodeAll(data, limit: Self.plain.count).count == Self.plain.count)
        let small = try #require(ContentDecoderChain(field))
        #expect(throws: DecodingProblem.self) { try small.decodeAll(data, limit: Self.plain.count - 1) }
    }

    @Test(arguments: ["gzip", "zlib", "raw", "zstd"]) func decodesMoreThanOneBuffer(_ form: String) throws {
        let large = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) })
        let field = form == "zlib" || form == "raw" ? "deflate" : form
        let chain = try #require(ContentDecoderChain(field))
        #expect(try chain.decodeAll(Self.deflatedOrZstd(form, large), limit: 1 << 20) == large)
    }

    private static func deflatedOrZstd(_ form: String, _ bytes: [UInt8]) -> [UInt8] { coded(form, bytes) }

    @Test func undoesSeveralCodings() throws {
        let chain = try #require(ContentDecoderChain("gzip, zstd"))
        let data = Self.coded("zstd", Self.coded("gzip", Self.plain))
        #expect(try chain.decodeAll(data, limit: 1000) == Self.plain)
    }

    @Test func readsSeveralGzipMembers() throws {
        let chain = try #require(ContentDecoderChain("gzip"))
        let member = Self.coded("gzip", Self.plain)
        #expect(try chain.decodeAll(member + member, limit: 1000) == Self.plain + Self.plain)
    }

    @Test(arguments: ["identity", "", "compress", "gzip, unknown"]) func leavesAlone(_ field: String) {
        #expect(ContentDecoderChain(field) == nil)
    }
}
