/// What a descriptor is watched for, and what happened to it.
public struct FileEvents: OptionSet, Sendable {
    /// A bit for each event.
    public let rawValue: UInt8
    /// - Parameter rawValue: A bit for each event.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Bytes can be read, or the other side closed.
    public static let readable = FileEvents(rawValue: 1)
    /// Bytes can be written.
    public static let writable = FileEvents(rawValue: 2)
    /// The descriptor failed or was hung up. Reported always, never asked for.
    public static let hangup = FileEvents(rawValue: 4)
}

/// The system's way to wait for many descriptors. Linux has ``EpollPoller``; another system's joins here.
///
/// Confined to its loop's thread.
protocol Poller: AnyObject {
    func add(_ descriptor: Int32, token: UInt64, interest: FileEvents) -> Bool
    func modify(_ descriptor: Int32, token: UInt64, interest: FileEvents) -> Bool
    func remove(_ descriptor: Int32)
    /// Waits for events.
    ///
    /// - Parameter timeout: Nanoseconds; 0 polls, a negative value waits without end.
    func wait(timeout: Int64, _ body: (_ token: UInt64, _ events: FileEvents) -> Void)
    func close()
}
