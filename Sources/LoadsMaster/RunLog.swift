import LoadsWire

/// The events of a run, numbered, up to a limit: a runner that floods its notes fills no memory.
struct RunLog {
    private(set) var entries: [LogEntry] = []
    /// The number of the last one.
    private(set) var count: Int
    private(set) var dropped: Int
    /// The first that is not stored yet.
    private var unstored = 0

    static let limit = 10_000
    /// Bytes of an event's text.
    static let textLimit = 4096

    init(count: Int = 0, dropped: Int = 0, entries: [LogEntry] = []) {
        self.count = count
        self.dropped = dropped
        self.entries = entries
        unstored = entries.count
    }

    /// - Returns: The event as it is kept and shown.
    mutating func append(_ event: RunEvent, at wall: Double) -> RunEvent {
        var event = event
        if event.text.utf8.count > Self.textLimit { event.text = String(event.text.prefix(Self.textLimit)) + " …" }
        // Notes make room for what the master itself has to say.
        if event.kind == "note", count >= Self.limit {
            dropped += 1
            return event
        }
        count += 1
        entries.append(LogEntry(number: count, at: wall, event: event))
        return event
    }

    mutating func takeUnstored() -> [LogEntry] {
        defer { unstored = entries.count }
        return Array(entries[unstored...])
    }

    /// The last ones that were taken could not be stored.
    mutating func restore(_ taken: Int) { unstored -= taken }
}
