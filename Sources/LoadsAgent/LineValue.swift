/// One value of what a program of the `lines` dialect writes, whether it came as JSON or as MessagePack.
enum LineValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([LineValue])
    case map([Entry])

    struct Entry: Equatable, Sendable {
        var key: String
        var value: LineValue
    }

    /// A field of a map; nil where it is missing or null. Of two with one name the last counts, as in JSON's parsers.
    subscript(key: String) -> LineValue? {
        guard case .map(let entries) = self, let entry = entries.last(where: { $0.key == key }) else { return nil }
        return entry.value == .null ? nil : entry.value
    }
}

extension LineValue {
    /// The value as JSON on one line.
    var json: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): value.isFinite ? "\(value)" : "null"
        case .string(let text): LinePlan.string(text)
        case .array(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .map(let entries):
            "{" + entries.map { LinePlan.string($0.key) + ":" + $0.value.json }.joined(separator: ",") + "}"
        }
    }
}

/// Why something is no result: a few words for the person who wrote the program.
struct LineFault: Error, Equatable, Sendable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The bounds of the dialect.
enum LineLimits {
    /// The longest line, or MessagePack map, in bytes.
    static let recordBytes = 64 * 1024
    /// Maps and arrays inside one another.
    static let depth = 8
    /// Characters of a name, a kind of error or a place, in UTF-8.
    static let nameBytes = 1000
    /// Characters of a metric's unit, in UTF-8.
    static let unitBytes = 64
    /// Characters of a message or a note, in UTF-8.
    static let textBytes = 4000
    /// Notes that are passed on in one run.
    static let notes = 1000
}
