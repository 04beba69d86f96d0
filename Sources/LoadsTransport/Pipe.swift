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
        var buffer: BoundedBuffer<Message>
        var consumer: Consumer?
        var scheduled = false
        var refused = false

        /// Whether a sender was refused since the last call.
        mutating func takeRefusal() -> Bool {
            defer { refused = false }
            return refused
        }
    }

    private let state: Mutex<State>
    private let writable: (@Sendable () -> Void)?
    private static var turn: Int { 64 }

    /// - Parameter writable: Called, on some thread, when a sender that was refused may try again.
    init(limit: BufferLimit, writable: (@Sendable () -> Void)? = nil) {
        state = Mutex(State(buffer: BoundedBuffer(limit: limit)))
        self.writable = writable
    }

    /// Appends a message.
    ///
    /// - Parameter needsConsumer: Refuse while nobody reads, instead of keeping the message for who comes.
    /// - Returns: Whether it was taken.
    func send(_ message: Message, size: Int, needsConsumer: Bool = false) -> Bool {
        state.withLock { state in
            guard state.buffer.hasRoom(for: size), !needsConsumer || state.consumer != nil else {
                state.refused = true
                return false
            }
            state.buffer.append(message, size: size)
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

    /// Lets the consumer go, and gives up what waits.
    func detach() {
        state.withLock { state in
            state.consumer = nil
            state.buffer.removeAll()
        }
    }

    /// Gives up what waits.
    func clear() {
        let retry = state.withLock { state in
            state.buffer.removeAll()
            return state.consumer != nil && state.takeRefusal()
        }
        if retry { writable?() }
    }

    private func schedule(_ state: inout State) {
        guard !state.scheduled, !state.buffer.isEmpty, let consumer = state.consumer else { return }
        state.scheduled = consumer.loop.submit { self.drain(consumer.loop) }
    }

    private func drain(_ loop: EventLoop) {
        var left = Self.turn
        while left > 0 {
            // One at a time: the consumer may let go of the pipe while it handles a message.
            let next = state.withLock { state -> (Message, Consumer)? in
                guard let consumer = state.consumer, consumer.loop === loop, !state.buffer.isEmpty else { return nil }
                return (state.buffer.removeFirst(), consumer)
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
