import Synchronization

/// Counters of started and ended iterations and hits that outlive the process: they live in memory shared with the
/// agent, so that after a crash the hole between what was counted and what was reported has a size.
public struct LiveCounters: @unchecked Sendable {
    // @unchecked: the pointer is to shared memory that outlives every user; all access is atomic.
    private let base: UnsafeMutableRawPointer

    /// Bytes that the shared memory must have: each counter on a cache line of its own.
    public static let byteCount = 192

    /// - Parameter base: Shared memory of ``byteCount`` bytes, 64-byte aligned, all zero at the start.
    public init(base: UnsafeMutableRawPointer) { self.base = base }

    /// Iterations started.
    public var started: Int { load(0) }
    /// Iterations ended, in whatever way.
    public var ended: Int { load(64) }
    /// Hits recorded.
    public var hits: Int { load(128) }

    func countStart() { add(0) }
    func countEnd() { add(64) }
    func countHit() { add(128) }

    // Relaxed: each counter is read by itself, after the process that counted has ended.
    private func add(_ offset: Int) { atomic(offset).pointee.wrappingAdd(1, ordering: .relaxed) }
    private func load(_ offset: Int) -> Int { atomic(offset).pointee.load(ordering: .relaxed) }
    private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        (base + offset).assumingMemoryBound(to: Atomic<Int>.self)
    }
}
