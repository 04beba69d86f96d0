public import LoadsCore

/// Brings what a run measures to a monitoring system while it goes on.
///
/// An exporter that nobody listens to never holds up a run, nor does it fail one: what did not arrive is counted.
public protocol Exporter: Sendable {
    /// Takes an interval. Returns at once.
    func measured(_ interval: MeasuredInterval)

    /// The run is over: sends what is left, within some seconds.
    ///
    /// - Returns: What did not arrive.
    func finish(_ summary: Summary) async -> ExportOutcome

    /// The run never began, or nobody wants to wait any longer.
    func close()
}

/// What became of an export.
public struct ExportOutcome: Sendable, Equatable {
    /// Data points that arrived, as far as can be known; of an endpoint, times that somebody took them.
    public var delivered = 0
    /// Data points that did not.
    public var lost = 0
    /// Why the first of them did not.
    public var reason: String?
    /// - Parameter reason: Why the first of the lost ones did not arrive.
    public init(delivered: Int = 0, lost: Int = 0, reason: String? = nil) {
        self.delivered = delivered
        self.lost = lost
        self.reason = reason
    }
}

/// Why an exporter cannot begin at all.
public struct ExportError: Error, Sendable, CustomStringConvertible {
    /// What happened, where, and what to do.
    public let message: String
    public var description: String { message }
}
