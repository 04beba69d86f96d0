import LoadsCore
import LoadsEventLoop
import LoadsWire

/// What one run has to deliver: its messages in sequence, from the first that is not acknowledged on.
struct SpoolRun {
    /// One message that waits to be acknowledged.
    struct Entry {
        /// Nil when it lies on disk only.
        var bytes: [UInt8]?
        var count: Int
        var place: SpoolPlace?
    }

    /// The last sequence number drawn.
    private(set) var last: UInt64
    /// Acknowledged up to here.
    private(set) var acknowledged: UInt64
    /// Whether the run's end is among the messages.
    var hasEnded = false
    /// The end of a run whose agent was killed: it is numbered once what was recovered is acknowledged, because the
    /// master may have taken more than the disk has kept.
    var recoveredEnd: RunnerEnd?
    /// What waits for room, merged.
    var overflow: SpoolOverflow
    /// What has been numbered or merged.
    var counts = ReportCounts()
    /// The end of the last batch, in seconds since the start of the run.
    var time: Double = 0

    private var entries: [Entry] = []
    private var head = 0
    /// Entries sent since the last rewind, and their bytes.
    private(set) var sent = 0
    private(set) var sentBytes = 0
    private var progress: Instant
    private var resendAfter: Duration

    /// - Parameter maxNames: The plan's. What was recovered has no runner that could still report.
    init(after sequence: UInt64, resend: Duration, at now: Instant, maxNames: Int = Plan.standardMaxNames) {
        overflow = SpoolOverflow(maxNames: maxNames)
        last = sequence
        acknowledged = sequence
        progress = now
        resendAfter = resend
    }

    var waiting: Int { entries.count - head }
    /// The next entry to send, if there is one.
    var next: Entry? { sent < waiting ? entries[head + sent] : nil }
    var nextSequence: UInt64 { acknowledged + UInt64(sent) + 1 }

    mutating func draw() -> UInt64 {
        last += 1
        return last
    }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func markSent(at now: Instant) {
        guard let entry = next else { return }
        if sent == 0 { progress = now }
        sent += 1
        sentBytes += entry.count
    }

    /// Sends from the first unacknowledged on again.
    mutating func rewind() {
        sent = 0
        sentBytes = 0
    }

    /// Takes off what is acknowledged. Returns it.
    mutating func acknowledge(_ sequence: UInt64, resend: Duration, at now: Instant) -> ArraySlice<Entry> {
        let count = Int(clamping: min(sequence, last) - min(acknowledged, min(sequence, last)))
        guard count > 0 else { return [] }
        let taken = entries[head..<head + count]
        for (index, entry) in taken.enumerated() where index < sent { sentBytes -= entry.count }
        sent = max(0, sent - count)
        head += count
        acknowledged += UInt64(count)
        progress = now
        resendAfter = resend
        // Moved together only now and then, so that a long queue is not copied for every acknowledgement.
        if head > 1024 || head == entries.count {
            entries.removeFirst(head)
            head = 0
        }
        return taken
    }

    /// The master has more than we remember: numbers go on after it.
    mutating func skip(to sequence: UInt64) {
        guard waiting == 0, sequence > last else { return }
        last = sequence
        acknowledged = sequence
    }

    /// Whether what is in flight has been so for too long; it is taken back then.
    mutating func isOverdue(at now: Instant) -> Bool {
        guard sent > 0, now >= progress.advanced(by: resendAfter) else { return false }
        resendAfter = min(resendAfter * 2, .seconds(60))
        progress = now
        rewind()
        return true
    }

    /// Replaces what cannot be read back.
    mutating func replaceNext(_ bytes: [UInt8]) {
        guard sent < waiting else { return }
        entries[head + sent] = Entry(bytes: bytes, count: entries[head + sent].count, place: nil)
    }
}
