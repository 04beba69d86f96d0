/// A message that cannot be understood: broken, hostile, or of another version.
public struct WireError: Error, Sendable, CustomStringConvertible {
    /// Which field, and what is wrong with it.
    public let message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// The version of the messages. A reader ignores unknown fields and refuses unknown versions.
public enum WireVersion {
    public static let current = 1
}
