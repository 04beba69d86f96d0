import LoadsCore
import Synchronization

/// Tells an observer what happens, in order, on a task of its own: one that is slow holds up no lease.
final class ObserverQueue: Sendable {
    private enum Event: Sendable {
        case started
        case progressed(Progress)
        case measured(MeasuredInterval)
        case received([RawHit])
        case noted(String)
    }

    private let continuation: AsyncStream<Event>.Continuation
    private let task: Task<Void, Never>
    private let waiting: WaitingHits

    private final class WaitingHits: Sendable {
        let count = Mutex(0)
    }

    /// Hits that may wait for the observer.
    static let limit = 1_000_000

    init(_ observer: any RunObserver) {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        let waiting = WaitingHits()
        self.continuation = continuation
        self.waiting = waiting
        task = Task.detached {
            for await event in stream {
                switch event {
                case .started: observer.started()
                case .progressed(let progress): observer.progressed(progress)
                case .measured(let interval): observer.measured(interval)
                case .received(let hits):
                    observer.received(hits)
                    waiting.count.withLock { $0 -= hits.count }
                case .noted(let text): observer.noted(text)
                }
            }
        }
    }

    func started() { continuation.yield(.started) }
    func progressed(_ progress: Progress) { continuation.yield(.progressed(progress)) }
    func measured(_ interval: MeasuredInterval) { continuation.yield(.measured(interval)) }
    func noted(_ text: String) { continuation.yield(.noted(text)) }

    /// - Returns: Whether there was room for them.
    func received(_ hits: [RawHit]) -> Bool {
        let fits = waiting.count.withLock { count in
            guard count + hits.count <= Self.limit else { return false }
            count += hits.count
            return true
        }
        if fits { continuation.yield(.received(hits)) }
        return fits
    }

    /// Returns when the observer has been told everything.
    func finish() async {
        continuation.finish()
        await task.value
    }
}
