import Synchronization

/// Counters of started and ended iterations and hits that outlive the process: they live in memory shared with the
/// agent, so that after a crash the hole between what was counted and what was reported has a size.
///
/// Each event loop counts on a cache line of its own; the readers add them up. Only the pages of the loops that there
/// are become resident.
public struct LiveCounters: @unchecked Sendable {
    // @unchecked: the pointer is to memory that outlives every user; all access is atomic.
    private let base: UnsafeMutableRawPointer

    private static let lineSize = 64
    private static let slotCount = Plan.loopLimit

    /// Bytes that the shared memory must have.
    public static let byteCount = slotCount * lineSize

    /// - Parameter base: Shared memory of ``byteCount`` bytes, 64-byte aligned, all zero at the start.
    public init(base: UnsafeMutableRawPointer) { self.base = base }

    /// Iterations started.
    public var started: Int { sum(\.started) }
    /// Iterations ended, in whatever way.
    public var ended: Int { sum(\.ended) }
    /// Hits recorded.
    public var hits: Int { sum(\.hits) }

    // Wrapping: the other process may have written anything there.
    private func sum(_ value: (Slot) -> Int) -> Int { (0..<Self.slotCount).reduce(0) { $0 &+ value(slot($1)) } }

    /// The counters of one event loop; those beyond the last slot share.
    func slot(_ index: Int) -> Slot { Slot(base: base + index % Self.slotCount * Self.lineSize) }

    struct Slot: @unchecked Sendable {
        // @unchecked: as above.
        fileprivate let base: UnsafeMutableRawPointer

        var started: Int { load(0) }
        var ended: Int { load(8) }
        var hits: Int { load(16) }

        func countStart() { add(0) }
        func countEnd() { add(8) }
        func countHit() { add(16) }

        // Relaxed: each counter is read by itself, and matters only once nobody counts any more.
        private func add(_ offset: Int) { atomic(offset).pointee.wrappingAdd(1, ordering: .relaxed) }
        private func load(_ offset: Int) -> Int { atomic(offset).pointee.load(ordering: .relaxed) }
        private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<Int>> {
            (base + offset).assumingMemoryBound(to: Atomic<Int>.self)
        }
    }

    /// Counters in this process's own memory, for a run that nobody watches from outside.
    static func local() -> LiveCounters {
        let base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: lineSize)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        return LiveCounters(base: base)
    }

    /// Frees what ``local()`` made.
    func deallocate() { base.deallocate() }
}
