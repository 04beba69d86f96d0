/// One deadline on a loop. Reused by rescheduling; confined to the loop's thread.
public final class LoopTimer {
    /// Called on the loop when the deadline has passed.
    public var action: () -> Void
    /// When the timer fires, or nil while it is idle.
    public internal(set) var deadline: Instant?
    var position = -1
    /// Fired by the loop's shutdown: arming it again would keep the loop from ending.
    var ended = false

    /// Creates an idle timer; ``EventLoop/schedule(_:at:)`` arms it.
    public init(action: @escaping () -> Void) { self.action = action }
}

/// The timers of one loop: a binary heap in which each timer knows its place, so that cancelling is exact.
///
/// A pure structure: no clock, no thread. 100,000 waiting timers are normal.
struct TimerHeap {
    private var entries: [(deadline: Instant, timer: LoopTimer)] = []

    var count: Int { entries.count }
    /// The earliest deadline.
    var next: Instant? { entries.first?.deadline }

    /// Arms a timer, or moves it if it is armed.
    mutating func schedule(_ timer: LoopTimer, at deadline: Instant) {
        timer.deadline = deadline
        if timer.position >= 0 {
            let position = timer.position
            let earlier = deadline < entries[position].deadline
            entries[position].deadline = deadline
            if earlier { siftUp(position) } else { siftDown(position) }
        } else {
            timer.position = entries.count
            entries.append((deadline, timer))
            siftUp(entries.count - 1)
        }
    }

    /// Disarms a timer. An idle timer is left as it is.
    mutating func cancel(_ timer: LoopTimer) {
        let position = timer.position
        guard position >= 0 else { return }
        timer.position = -1
        timer.deadline = nil
        let last = entries.removeLast()
        guard position < entries.count else { return }
        let removed = entries[position].deadline
        entries[position] = last
        last.timer.position = position
        if last.deadline < removed { siftUp(position) } else { siftDown(position) }
    }

    /// Takes the earliest timer if its deadline is not after `now`.
    mutating func popExpired(_ now: Instant) -> (timer: LoopTimer, deadline: Instant)? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        cancel(first.timer)
        return (first.timer, first.deadline)
    }

    /// Disarms and returns all timers.
    mutating func removeAll() -> [LoopTimer] {
        let timers = entries.map(\.timer)
        entries.removeAll()
        for timer in timers {
            timer.position = -1
            timer.deadline = nil
        }
        return timers
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            if entries[parent].deadline <= entry.deadline { break }
            entries[index] = entries[parent]
            entries[index].timer.position = index
            index = parent
        }
        entries[index] = entry
        entry.timer.position = index
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            if child >= entries.count { break }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            if entry.deadline <= entries[child].deadline { break }
            entries[index] = entries[child]
            entries[index].timer.position = index
            index = child
        }
        entries[index] = entry
        entry.timer.position = index
    }
}
