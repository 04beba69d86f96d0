/// A number with what it means.
public struct Quantity: Sendable, Equatable {
    /// What the value is, and in what it is given.
    public enum Unit: String, Sendable, CaseIterable {
        /// In nanoseconds.
        case time
        /// From 0 to 1.
        case share
        /// How often a second.
        case perSecond
        /// A plain number, or one in a metric's own unit.
        case number
        /// Bytes on the wire.
        case bytes
        /// Bytes on the wire a second.
        case bytesPerSecond
    }

    /// In ``unit``.
    public var value: Double
    /// What it means.
    public var unit: Unit
    /// - Parameter value: In the unit: times in nanoseconds, shares from 0 to 1.
    public init(_ value: Double, _ unit: Unit) {
        self.value = value
        self.unit = unit
    }
}
