import LoadsEventLoop
import Synchronization

/// A bounded queue from any thread to a consumer on a loop: one direction of one in-process channel.
///
/// The sender never waits: a full queue refuses. The consumer is called with one message after the other, a bounded
/// number in a turn, so that the loop's timers and descriptors are not starved.
final class Pipe<Message: Sendable>: Sendable {
    struct Consumer: Sendable {
        let loop: EventLoop
        let receive: @Sendable (Message) -> Void
    }

    private struct State {
        var waiting: [(message: Message, size: Int)] = []
        var head = 0
        var bytes = 0
        var consumer: Consumer?
        var scheduled = false
        var refused = false

        var count: Int { waiting.count - head }

        mutating func take() -> Message {
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

        /// Whether a sender was refused since the last call.
        mutating func takeRefusal() -> Bool {
            defer { refused = false }
            return refused
        }

        mutating func clear() {
            waiting = []
            head = 0
            bytes = 0
        }
    }

    private let state = Mutex(State())
    private let limit: PipeLimit
    private let writable: (@Sendable () -> Void)?
    private static var turn: Int { 64 }

    /// - Parameter writable: Called, on some thread, when a sender that was refused may try again.
    init(limit: PipeLimit, writable: (@Sendable () -> Void)? = nil) {
        self.limit = limit
        self.writable = writable
    }

    /// Appends a message. One that is larger than the limit in bytes is taken by an empty queue.
    ///
    /// - Parameter needsConsumer: Refuse while nobody reads, instead of keeping the message for who comes.
    /// - Returns: Whether it was taken.
    func send(_ message: Message, size: Int, needsConsumer: Bool = false) -> Bool {
        state.withLock { state in
            let full =
                state.count >= limit.messages || (state.count > 0 && state.bytes + size > limit.bytes)
                || (needsConsumer && state.consumer == nil)
            if full {
                state.refused = true
                return false
            }
            state.waiting.append((message, size))
            state.bytes += size
            schedule(&state)
            return true
        }
    }

    /// Hands what waits, and what comes, to a consumer on its loop.
    func attach(_ consumer: Consumer) {
        let retry = state.withLock { state in
            state.consumer = consumer
            state.scheduled = false
            schedule(&state)
            return state.takeRefusal()
        }
        if retry { writable?() }
    }

    /// Lets the consumer go.
    ///
    /// - Parameter clear: Whether what waits is given up too.
    func detach(clear: Bool) {
        state.withLock { state in
            state.consumer = nil
            if clear { state.clear() }
        }
    }

    /// Gives up what waits.
    func clear() {
        let retry = state.withLock { state in
            state.clear()
            return state.consumer != nil && state.takeRefusal()
        }
        if retry { writable?() }
    }

    private func schedule(_ state: inout State) {
        guard !state.scheduled, state.count > 0, let consumer = state.consumer else { return }
        state.scheduled = consumer.loop.submit { self.drain(consumer.loop) }
    }

    private func drain(_ loop: EventLoop) {
        var left = Self.turn
        while left > 0 {
            // One at a time: the consumer may let go of the pipe while it handles a message.
            let next = state.withLock { state -> (Message, Consumer)? in
                guard let consumer = state.consumer, consumer.loop === loop, state.count > 0 else { return nil }
                return (state.take(), consumer)
            }
            guard let (message, consumer) = next else { break }
            consumer.receive(message)
            left -= 1
        }
        let retry = state.withLock { state in
            guard state.consumer?.loop === loop else { return false }
            state.scheduled = false
            schedule(&state)
            return state.takeRefusal()
        }
        if retry { writable?() }
    }
}

/// How much may wait in a ``Pipe``.
struct PipeLimit: Sendable {
    var messages: Int
    var bytes: Int

    /// Requests, answers, leases: few and small, but files travel in them.
    static let control = PipeLimit(messages: 1_000, bytes: 64 << 20)
    /// What is refused here waits in the agent's spool.
    static let results = PipeLimit(messages: 64, bytes: 16 << 20)
    /// What a slow subscriber misses begins here.
    static let stream = PipeLimit(messages: 1_000, bytes: 64 << 20)
}
