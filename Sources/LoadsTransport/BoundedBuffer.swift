/// A first-in first-out buffer that refuses beyond a number of messages or bytes. A pure structure.
package struct BoundedBuffer<Message: Sendable>: Sendable {
    private var waiting: [(message: Message, size: Int)] = []
    private var head = 0
    private var bytes = 0
    private let limit: BufferLimit

    package init(limit: BufferLimit) { self.limit = limit }

    package var count: Int { waiting.count - head }
    package var isEmpty: Bool { count == 0 }
    package var first: Message? { isEmpty ? nil : waiting[head].message }

    /// Whether a message of a size finds room. One that is larger than the limit in bytes does when the buffer is empty.
    package func hasRoom(for size: Int) -> Bool {
        count < limit.messages && (isEmpty || bytes + size <= limit.bytes)
    }

    package mutating func append(_ message: Message, size: Int) {
        waiting.append((message, size))
        bytes += size
    }

    package mutating func removeFirst() -> Message {
        let (message, size) = waiting[head]
        head += 1
        bytes -= size
        // Compacted now and then: a message costs no move of those behind it.
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256 {
            waiting.removeFirst(head)
            head = 0
        }
        return message
    }

    package mutating func removeAll() {
        waiting = []
        head = 0
        bytes = 0
    }
}

/// How much a ``BoundedBuffer`` holds.
package struct BufferLimit: Sendable {
    package var messages: Int
    package var bytes: Int

    package init(messages: Int, bytes: Int) {
        self.messages = messages
        self.bytes = bytes
    }

    /// Requests, answers, leases: few and small, but files travel in them.
    package static let control = BufferLimit(messages: 1_000, bytes: 64 << 20)
    /// What is refused here waits in the agent's spool.
    package static let results = BufferLimit(messages: 64, bytes: 16 << 20)
    /// What a slow subscriber misses begins here.
    package static let stream = BufferLimit(messages: 1_000, bytes: 64 << 20)
}
