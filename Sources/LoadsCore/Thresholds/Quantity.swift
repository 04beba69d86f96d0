/// A number with what it means.
public struct Quantity: Sendable, Equatable {
    public enum Unit: String, Sendable, CaseIterable {
        /// In nanoseconds.
        case time
        /// From 0 to 1.
        case share
        case perSecond
        case number
        case bytes
        case bytesPerSecond
    }

    public var value: Double
    public var unit: Unit
    public init(_ value: Double, _ unit: Unit) {
        self.value = value
        self.unit = unit
    }
}
