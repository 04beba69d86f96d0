/// Counters of started and ended iterations and hits that outlive the process: they live in memory shared with the
/// agent, so that after a crash the hole between what was counted and what was reported has a size.
public struct LiveCounters: @unchecked Sendable {
    // @unchecked: the pointer is to shared memory that outlives every user; all access is atomic.
    let base: UnsafeMutableRawPointer

    /// Bytes that the shared memory must have.
    public static let byteCount = 64

    /// - Parameter base: Shared memory of ``byteCount`` bytes, 64-byte aligned, all zero at the start.
    public init(base: UnsafeMutableRawPointer) { self.base = base }
}
