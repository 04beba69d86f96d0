import LoadsEventLoop

/// Durations as people write them: `10s`, `1m30s`, `500ms`, `2h`, `1.5s`.
public enum DurationText {
    /// The longest duration that is taken: what is longer is a slip of the keyboard.
    public static let longest: Duration = .seconds(366 * 86_400)

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("µs", 1_000), ("ns", 1),
    ]

    /// Parses a duration: numbers with units (`d`, `h`, `m`, `s`, `ms`, `us`, `ns`), from the largest unit to the
    /// smallest, each at most once; the numbers may have decimals. A lone `0` needs no unit.
    ///
    /// - Throws: ``InvalidDuration`` when the text is anything else, or longer than ``longest``.
    public static func parse(_ text: String) throws(InvalidDuration) -> Duration {
        var rest = text.utf8.drop { $0 == UInt8(ascii: " ") }
        while rest.last == UInt8(ascii: " ") { rest.removeLast() }
        if rest.elementsEqual("0".utf8) { return .zero }
        var total: Int64 = 0
        var last = Int64.max
        guard !rest.isEmpty else { throw InvalidDuration(text) }
        while !rest.isEmpty {
            let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(name.count)
            guard let unit = units.first(where: { name.elementsEqual($0.name.utf8) })?.nanoseconds else {
                throw InvalidDuration(text, unitIsMissing: name.isEmpty && Double(Substring(number)) != nil)
            }
            guard unit < last, let amount = nanoseconds(number, unit) else { throw InvalidDuration(text) }
            last = unit
            let (sum, overflow) = total.addingReportingOverflow(amount)
            guard !overflow, sum <= longest.components.seconds * 1_000_000_000 else {
                throw InvalidDuration(text, isTooLong: true)
            }
            total = sum
        }
        return .nanoseconds(total)
    }

    /// A duration for a person, exact to the nanosecond and readable by ``parse(_:)``: `1m30s`, `250ms`, `1.5ms`, `0s`.
    public static func text(_ duration: Duration) -> String {
        var left = duration.wholeNanoseconds
        if left == 0 { return "0s" }
        if left < 0 { return left == .min ? "-∞" : "-" + text(.nanoseconds(-left)) }
        var text = ""
        for (name, unit) in units.prefix(3) where left >= unit {
            text += "\(left / unit)\(name)"
            left %= unit
        }
        // What is below a minute is a fraction of its largest unit.
        for (name, unit) in units.suffix(5) where left >= unit && name != "us" {
            var fraction = "\(unit + left % unit)".dropFirst()
            while fraction.last == "0" { fraction.removeLast() }
            text += "\(left / unit)" + (fraction.isEmpty ? "" : "." + fraction) + (name == "µs" ? "us" : name)
            break
        }
        return text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// `1.5` of a unit; nil when it is no number. What is too large comes out as the largest.
    private static func nanoseconds(_ number: Substring.UTF8View.SubSequence, _ unit: Int64) -> Int64? {
        guard let first = number.first, let last = number.last, isDigit(first), isDigit(last) else { return nil }
        guard let value = Double(Substring(number)) else { return nil }
        if let whole = Int64(Substring(number)) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
            return overflow ? .max : product
        }
        let product = (value * Double(unit)).rounded()
        return product < 9e18 ? Int64(product) : .max
    }
}

/// A text that is no duration; the description says what would be one.
public struct InvalidDuration: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text as it came.
    public let text: String
    public let description: String

    init(_ text: String, unitIsMissing: Bool = false, isTooLong: Bool = false) {
        self.text = text
        description =
            if isTooLong {
                "\(text): longer than a year (try 10s, 2m, 1h30m)"
            } else if unitIsMissing {
                "\(text): not a duration, the unit is missing (try 10s, 2m, 1h30m)"
            } else {
                "\(text): not a duration (try 10s, 2m, 1h30m)"
            }
    }
}
