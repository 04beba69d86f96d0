import LoadsEventLoop
import Synchronization

/// What the event loops of an open model share: the arrivals that wait because no loop has a free user, and the end.
///
/// Each loop serves its own arrivals with its own users, without a lock. Only an arrival that finds none there comes here,
/// and only while some wait do users ask here.
final class ArrivalDesk: Sendable {
    /// Arrivals that may wait.
    private let bound: Atomic<Int>
    private let queue = Mutex(Queue())
    /// Arrivals in the queue. Sequentially consistent with ``idle``: whoever queues looks for idle users afterwards, and
    /// whoever idles looks at the queue afterwards, so that one of them sees the other.
    private let waiting = Atomic<Int>(0)
    /// Free users of each loop.
    private let idle: [Counter]
    /// Whatever keeps the run from its end: its time, loops with arrivals to come, arrivals that have not ended.
    private let pending = Atomic<Int>(0)
    private let over = Mutex<(isOver: Bool, observers: [@Sendable () -> Void])>((false, []))

    private struct Queue {
        var arrivals = RingBuffer<Arrival>()
        /// Nobody serves it any more.
        var isClosed = false
    }

    final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    init(lanes: Int, bound: Int) {
        self.bound = Atomic(bound)
        idle = (0..<lanes).map { _ in Counter() }
    }

    // MARK: The queue

    /// Lets an arrival wait. Returns false when the queue is full, or closed.
    func queue(_ arrival: Arrival) -> Bool {
        let bound = bound.load(ordering: .relaxed)
        return queue.withLock { queue in
            guard !queue.isClosed, queue.arrivals.count < bound else { return false }
            queue.arrivals.append(arrival)
            waiting.add(1, ordering: .sequentiallyConsistent)
            return true
        }
    }

    /// The arrival that has waited longest. A user is free for it now.
    func next(at now: Instant) -> Arrival? {
        guard waiting.load(ordering: .sequentiallyConsistent) > 0 else { return nil }
        let arrival = queue.withLock { queue -> Arrival? in
            guard let arrival = queue.arrivals.popFirst() else { return nil }
            waiting.subtract(1, ordering: .sequentiallyConsistent)
            return arrival
        }
        guard var arrival else { return nil }
        arrival.waited += max(0, now.nanoseconds(since: arrival.taken))
        return arrival
    }

    /// Takes everything out of the queue, which takes no more.
    func close() -> [Arrival] {
        queue.withLock { queue in
            queue.isClosed = true
            var all: [Arrival] = []
            while let arrival = queue.arrivals.popFirst() { all.append(arrival) }
            waiting.store(0, ordering: .sequentiallyConsistent)
            return all
        }
    }

    func setBound(_ count: Int) { bound.store(count, ordering: .relaxed) }

    // MARK: Free users

    /// A user of a loop is free (1), or not any more (-1).
    func idle(_ change: Int, on lane: Int) { idle[lane].value.add(change, ordering: .sequentiallyConsistent) }

    /// Another loop that has free users, as far as can be told.
    func laneWithIdle(besides lane: Int) -> Int? {
        for step in 1..<max(1, idle.count) {
            let other = (lane + step) % idle.count
            if idle[other].value.load(ordering: .sequentiallyConsistent) > 0 { return other }
        }
        return nil
    }

    // MARK: The end

    func begin(_ count: Int = 1) { pending.add(count, ordering: .relaxed) }

    /// Something that kept the run from its end is done. The last one ends it.
    func end(_ count: Int = 1) {
        guard count > 0 else { return }
        // Acquire and release: whoever sees the end sees what was counted before.
        guard pending.subtract(count, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        let observers = over.withLock { over in
            over.isOver = true
            defer { over.observers = [] }
            return over.observers
        }
        for observer in observers { observer() }
    }

    var isOver: Bool { over.withLock { $0.isOver } }

    /// Calls a closure at the end; at once if it has come.
    func onEnd(_ observer: @escaping @Sendable () -> Void) {
        let isLate = over.withLock { over in
            if !over.isOver { over.observers.append(observer) }
            return over.isOver
        }
        if isLate { observer() }
    }
}

/// A queue in an array that is used again and again.
struct RingBuffer<Element> {
    private var slots: [Element?] = Array(repeating: nil, count: 16)
    private var first = 0
    private(set) var count = 0

    mutating func append(_ element: Element) {
        if count == slots.count { grow() }
        slots[(first + count) % slots.count] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[first]
        slots[first] = nil
        first = (first + 1) % slots.count
        count -= 1
        return element
    }

    private mutating func grow() {
        var larger = [Element?](repeating: nil, count: slots.count * 2)
        for offset in 0..<count { larger[offset] = slots[(first + offset) % slots.count] }
        slots = larger
        first = 0
    }
}
