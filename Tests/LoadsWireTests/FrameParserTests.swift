import LoadsWire
import Testing

@Suite struct FrameParserTests {
    private let messages: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 9, count: 300)]

    @Test(arguments: [1, 2, 3, 7, 1000]) func cutsTheStreamWhereverItIsBroken(_ step: Int) throws {
        let stream = messages.flatMap { FrameParser.frame($0) }
        var parser = FrameParser()
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: step) {
            stream[start..<min(start + step, stream.count)].withUnsafeBytes { parser.append($0) }
            while let message = try parser.next() { found.append(message) }
        }
        #expect(found == messages)
        #expect(parser.pending == 0)
    }

    @Test func anImpossibleLengthIsRefusedBeforeItsBytesCome() {
        var parser = FrameParser()
        ([0xff, 0xff, 0xff, 0xff] as [UInt8]).withUnsafeBytes { parser.append($0) }
        #expect(throws: WireError.self) { _ = try parser.next() }
    }
}
