/// Where and why a text is no threshold.
public struct ThresholdSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text, with spaces in place of control characters.
    public let text: String
    /// The character that it is about, from 0 to the number of characters.
    public let offset: Int
    /// What would be right, for a person.
    public let reason: String

    /// The reason, then the text, then a line that points at the character.
    public var description: String {
        "\(reason)\n    \(text)\n    " + String(repeating: " ", count: offset) + "^"
    }
}
