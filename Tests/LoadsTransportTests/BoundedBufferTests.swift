import LoadsTransport
import Testing

@Suite struct BoundedBufferTests {
    private static let limit = BufferLimit(messages: 3, bytes: 100)

    @Test func holdsAsManyMessagesAsItsLimit() {
        var buffer = BoundedBuffer<Int>(limit: Self.limit)
        var room: [Bool] = []
        for number in 1...3 {
            room.append(buffer.hasRoom(for: 1))
            buffer.append(number, size: 1)
        }
        #expect(room == [true, true, true])
        #expect(!buffer.hasRoom(for: 0))
        let first = buffer.removeFirst()
        #expect(first == 1)
        #expect(buffer.hasRoom(for: 98))
        #expect(!buffer.hasRoom(for: 99))
    }

    @Test func takesOneMessageThatIsLongerThanItsLimit() {
        var buffer = BoundedBuffer<Int>(limit: Self.limit)
        #expect(buffer.hasRoom(for: 1_000))
        buffer.append(1, size: 1_000)
        #expect(!buffer.hasRoom(for: 0))
        _ = buffer.removeFirst()
        #expect(buffer.hasRoom(for: 100))
    }

    @Test func keepsTheOrderOverManyTurns() {
        var buffer = BoundedBuffer<Int>(limit: BufferLimit(messages: 1_000, bytes: 1 << 20))
        var next = 0
        var taken: [Int] = []
        for round in 0..<200 {
            for _ in 0..<(round * 7 % 50) where buffer.hasRoom(for: 1) {
                buffer.append(next, size: 1)
                next += 1
            }
            for _ in 0..<(round * 3 % 40) where !buffer.isEmpty { taken.append(buffer.removeFirst()) }
            #expect(buffer.count == next - taken.count)
            #expect(buffer.first == (buffer.isEmpty ? nil : taken.count))
        }
        #expect(taken == Array(0..<taken.count) && taken.count > 1_000)
        buffer.removeAll()
        #expect(buffer.isEmpty && buffer.first == nil && buffer.hasRoom(for: 1 << 20))
    }
}
