import Synchronization

/// A queue of limited length between two tasks: whoever sends into a full one waits.
final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var senders: [CheckedContinuation<Void, Never>] = []
        var receiver: CheckedContinuation<Element?, Never>?
        var closed = false
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Appends an element; returns when the queue has room again. After the close it is dropped: nobody reads any more.
    func send(_ element: Element) async {
        let full = state.withLock { state -> Bool in
            if state.closed { return false }
            if let receiver = state.receiver {
                state.receiver = nil
                receiver.resume(returning: element)
                return false
            }
            state.elements.append(element)
            return state.elements.count > limit
        }
        guard full else { return }
        await withCheckedContinuation { continuation in
            let free = state.withLock { state in
                if state.elements.count <= limit || state.closed { return true }
                state.senders.append(continuation)
                return false
            }
            if free { continuation.resume() }
        }
    }

    /// Takes the first element; nil once the queue is closed and empty.
    func receive() async -> Element? {
        await withCheckedContinuation { continuation in
            let (taken, sender) = state.withLock { state -> (Element??, CheckedContinuation<Void, Never>?) in
                if !state.elements.isEmpty {
                    let sender = state.senders.isEmpty ? nil : state.senders.removeFirst()
                    return (.some(state.elements.removeFirst()), sender)
                }
                if state.closed { return (.some(nil), nil) }
                state.receiver = continuation
                return (nil, nil)
            }
            sender?.resume()
            if let taken { continuation.resume(returning: taken) }
        }
    }

    /// The elements as they are taken; a cancelled reader closes the queue, so that nobody waits for it.
    var stream: AsyncStream<Element> {
        AsyncStream(unfolding: { await self.receive() }, onCancel: { self.close() })
    }

    /// Ends the queue: what is in it can still be taken.
    func close() {
        let (senders, receiver) = state.withLock { state in
            state.closed = true
            defer {
                state.senders = []
                state.receiver = nil
            }
            return (state.senders, state.receiver)
        }
        for sender in senders { sender.resume() }
        receiver?.resume(returning: nil)
    }
}
