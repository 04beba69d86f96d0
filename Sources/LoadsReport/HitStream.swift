import Dispatch
import Glibc
public import LoadsCore
import Synchronization

/// Writes hits as lines of JSON to a descriptor, on a thread of its own: a slow disk or reader holds up nobody.
///
/// What the descriptor does not take in time waits in memory, up to a limit; hits beyond it, and those after a write
/// failed, are counted as lost.
public final class HitStream: Sendable {
    /// What became of the hits handed over.
    public struct Outcome: Sendable, Equatable {
        /// Lines written.
        public var written = 0
        /// Hits that did not become a line.
        public var lost = 0
        /// Why writing ended early: a sentence of the system's, such as `No space left on device`.
        public var failure: String?
        /// Nothing written, nothing lost.
        public init() {}
    }

    /// Hits that may wait to be written.
    public static let waitingLimit = 1_000_000
    /// Bytes that are written at once.
    private static let chunk = 1 << 18

    private let descriptor: Int32
    private let limit: Int
    private let onFailure: @Sendable (String) -> Void
    private let queue = DispatchQueue(label: "loads.hit-stream", qos: .utility)
    private let state = Mutex(State())

    private struct State {
        var outcome = Outcome()
        var waiting = 0
    }

    /// - Parameters:
    ///   - descriptor: Open for writing. It stays the caller's, who closes it after ``finish()``. The process must ignore
    ///     `SIGPIPE`, so that a reader that goes is an error and not the end.
    ///   - waitingLimit: Hits that may wait to be written.
    ///   - onFailure: Called once, on the writer's thread, when writing fails: with the system's words for it.
    public init(
        descriptor: Int32, waitingLimit: Int = HitStream.waitingLimit,
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.descriptor = descriptor
        limit = waitingLimit
        self.onFailure = onFailure
    }

    /// Hands hits over to be written. Returns at once.
    public func write(_ hits: [RawHit]) {
        guard !hits.isEmpty else { return }
        let taken = state.withLock { state in
            if state.outcome.failure != nil || state.waiting + hits.count > limit {
                state.outcome.lost += hits.count
                return false
            }
            state.waiting += hits.count
            return true
        }
        guard taken else { return }
        queue.async { self.put(hits) }
    }

    /// Waits until all that was handed over is written or lost.
    public func finish() async -> Outcome {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.state.withLock { $0.outcome }) }
        }
    }

    private func put(_ hits: [RawHit]) {
        var json = JSONWriter()
        var done = 0
        var encoded = 0
        while done < hits.count {
            if state.withLock({ $0.outcome.failure != nil }) { break }
            while encoded < hits.count, json.bytes.count < Self.chunk {
                json.line(hits[encoded])
                encoded += 1
            }
            if let failure = writeAll(json.bytes) {
                state.withLock { $0.outcome.failure = failure }
                onFailure(failure)
                break
            }
            json.removeAll()
            state.withLock { $0.outcome.written += encoded - done }
            done = encoded
        }
        state.withLock { state in
            state.waiting -= hits.count
            state.outcome.lost += hits.count - done
        }
    }

    /// - Returns: Why it did not work; nil when all is written.
    private func writeAll(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // A standard output that somebody else made non-blocking.
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, -1)
                } else if count < 0, errno != EINTR {
                    return String(cString: strerror(errno))
                }
            }
            return nil
        }
    }
}
