import LoadsCore
import Testing

@testable import LoadsWire

/// Whatever the bytes are, decoding ends: in a message or in a ``WireError``.
@Suite struct HostileBytesTests {
    @Test func thirtyThousandMutationsEndInAMessageOrAnError() {
        var random = Random(state: 20_261_123)
        var total = Statistics()
        var accepted = 0
        for round in 0..<30_000 {
            let sample = Sample.all[round % Sample.all.count]
            let bytes = random.mutate(sample.bytes)
            if (try? sample.accepts(bytes)) != nil { accepted += 1 }
            // What was let in must not trap later either.
            if let reader = try? BatchReader(report: bytes) {
                reader.merge(into: &total)
                _ = total.hits.latency.percentile(0.95)
                #expect(reader.hits.count == reader.rawHitCount)
            }
        }
        #expect(accepted > 1000)
        #expect(total.hitCount > 0)
    }

    @Test(arguments: Sample.all) func everyBeginningOfAMessageIsRefused(_ sample: Sample) {
        for count in 0..<sample.bytes.count {
            #expect(throws: WireError.self) { try sample.accepts(Array(sample.bytes.prefix(count))) }
        }
    }

    @Test(arguments: Sample.all) func everyDecoderRefusesWhatClaimsTooMuch(_ sample: Sample) {
        for bytes in Self.claims { #expect(throws: WireError.self) { try sample.accepts(bytes) } }
    }

    /// Arrays, maps, strings and bytes of gigabytes; a byte that is no MessagePack; nesting without end.
    private static let claims: [[UInt8]] =
        [
            [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0x7f, 0xff, 0xff, 0xff], [0xdb, 0xff, 0xff, 0xff, 0xff],
            [0xc6, 0xff, 0xff, 0xff, 0xff], [0xc9, 0xff, 0xff, 0xff, 0xff], [0xdc, 0xff, 0xff], [0xc1], [], [0x91],
            [0xd8, 1], [0xcb, 0], [UInt8](repeating: 0x91, count: 100_000) + [0xc0],
            [0x82, 0xa1, 0x76, 1, 0xa4] + "type".utf8 + [0xdb, 0xff, 0xff, 0xff, 0xff],
        ]

    @Test func deepNestingIsRefused() {
        let bytes = [UInt8](repeating: 0x91, count: 100_000) + [0xc0]
        let error = #expect(throws: WireError.self) { _ = try RunnerCommand(decoding: bytes) }
        #expect(error?.code == .tooLarge)
    }

    @Test func moreObjectsThanAMessageMayHoldAreRefused() {
        let count = WireLimits.objects + 1
        let bytes =
            [0xdd, UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
            + [UInt8](repeating: 0xc0, count: count)
        let error = #expect(throws: WireError.self) { _ = try RunnerCommand(decoding: bytes) }
        #expect(error?.code == .tooLarge)
    }

    @Test func nestingIsAcceptedUpToTheLimit() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [0x83, 0xa1, 0x76, 1, 0xa4] + "type".utf8 + [0xa4] + "stop".utf8 + [0xa5] + "later".utf8
                + [UInt8](repeating: 0x91, count: depth - 1) + [0xc0]
        }
        #expect(try RunnerCommand(decoding: nested(WireLimits.depth)) == .stop)
        #expect(throws: WireError.self) { _ = try RunnerCommand(decoding: nested(WireLimits.depth + 1)) }
    }

    @Test func bytesAfterTheMessageAreRefused() {
        #expect(throws: WireError.self) { _ = try RunnerCommand(decoding: RunnerCommand.stop.encoded() + [0]) }
    }

    @Test(
        arguments: [
            (0, 10, 10, [10, 0]), (0, 10, 10, [0xe0, 0xd4, 3, 1]), (0, 10, 10, [10]), (10, 10, 10, []),
            (11, 10, 10, [10, 1]), (9, 10, 10, [10, 1]), (10, 12, 10, [10, 1]), (-1, 10, 10, [10, 1]),
            (10, 11, -4, [10, 1, 1, 1]), (10, 10, 10, [10, 1, 0, 1]), (10, 10, 10, [10, 0x80]),
            (10, 10, 10, [10] + Self.huge), (10, 10, 10, Self.huge + [1]), (10, 10, 10, Self.endless + [1]),
            (10, 11, 10, [10] + Self.half + [1] + Self.half), (10, 10, 10, [10, 1, 0x80]),
        ] as [(Int, Int, Int, [UInt8])])
    func impossibleHistogramsAreRefused(_ min: Int, _ max: Int, _ sum: Int, _ buckets: [UInt8]) {
        #expect(throws: WireError.self) { _ = try RunnerReport(decoding: Self.batch(min, max, sum, buckets)) }
    }

    /// LEB128 of 2^63 − 1, of something longer than 64 bits, and of 2^42.
    private static let huge = [UInt8](repeating: 0xff, count: 8) + [0x7f]
    private static let endless = [UInt8](repeating: 0xff, count: 12) + [0x7f]
    private static let half: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]

    @Test func aPossibleHistogramIsAccepted() throws {
        let report = try RunnerReport(decoding: Self.batch(10, 11, 21, [10, 1, 1, 1]))
        guard case .batch(let batch) = report else { return #expect(Bool(false)) }
        #expect(batch.statistics.service.count == 2 && batch.statistics.service.percentile(0.5) == 10)
    }

    /// A batch whose service times are the given histogram.
    private static func batch(_ min: Int, _ max: Int, _ sum: Int, _ buckets: [UInt8]) -> [UInt8] {
        Packer.message("batch") { packer in
            packer.field("from_s", 0)
            packer.field("to_s", 1)
            packer.field("iterations") { IterationCounts().pack(into: packer) }
            packer.key("service")
            packer.array(4)
            packer.int(min)
            packer.int(max)
            packer.int(sum)
            packer.binary(buckets)
            for key in ["names", "errors", "failures"] { packer.field(key) {} }
            packer.field("health") { GeneratorHealth().pack(into: packer) }
            packer.field("users", 0)
        }
    }
}

/// Pseudo-random mutations that are the same on every run (xorshift64).
private struct Random {
    var state: UInt64

    mutating func next(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(max(1, limit)))
    }

    mutating func mutate(_ valid: [UInt8]) -> [UInt8] {
        var bytes = valid
        for _ in 0...next(3) {
            guard !bytes.isEmpty else { break }
            let place = next(bytes.count)
            switch next(6) {
            case 0: bytes[place] = UInt8(next(256))
            case 1: bytes[place] ^= 1 << UInt8(next(8))
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(UInt8(next(256)), at: place)
            case 4: bytes.removeLast(next(bytes.count))
            default: bytes[place] = [0xff, 0xcf, 0xd3, 0xdd, 0xdf, 0xc1, 0xcb, 0x00][next(8)]
            }
        }
        return bytes
    }
}
