/// How many iterations start in a time: `500/s`, `0.5/s`, `90/m`, `20/h`.
///
/// Held as whole millionths of an arrival an hour, so that what people write with a second, a minute or an hour and up to six
/// decimals is exact, and so is every sum of it.
public struct ArrivalRate: Sendable, Hashable, Comparable {
    /// Millionths of an arrival in an hour: 3,600,000,000 is one a second.
    public var microPerHour: Int64

    /// - Parameter microPerHour: Nothing is checked; ``Plan/validate()`` refuses what is below 0 or above ``highest``.
    public init(microPerHour: Int64) { self.microPerHour = microPerHour }

    /// No arrivals.
    public static let zero = ArrivalRate(microPerHour: 0)
    /// The highest rate that is taken: 10 million a second.
    public static let highest = ArrivalRate(microPerHour: 10_000_000 * perSecondUnit)
    /// One a second.
    static let perSecondUnit: Int64 = 3_600_000_000

    /// So many whole arrivals a second; what is beyond the highest is the highest.
    public static func perSecond(_ count: Int) -> ArrivalRate {
        let (product, overflow) = Int64(count).multipliedReportingOverflow(by: perSecondUnit)
        return overflow ? .highest : ArrivalRate(microPerHour: product)
    }

    /// As a number of arrivals a second, rounded to what a `Double` holds.
    public var perSecond: Double { Double(microPerHour) / Double(Self.perSecondUnit) }

    public static func < (left: ArrivalRate, right: ArrivalRate) -> Bool { left.microPerHour < right.microPerHour }

    private static let units: [(name: String, micro: Int64)] = [
        ("s", 3_600_000_000), ("sec", 3_600_000_000), ("second", 3_600_000_000), ("m", 60_000_000),
        ("min", 60_000_000), ("minute", 60_000_000), ("h", 1_000_000), ("hour", 1_000_000),
    ]

    /// Parses a rate: a number, with decimals if need be, and `/s`, `/m` or `/h`; a number alone is a second's.
    ///
    /// - Throws: ``InvalidRate`` when the text is anything else, negative, too fine (beyond a millionth an hour) or beyond
    ///   ``highest``.
    public static func parse(_ text: String) throws(InvalidRate) -> ArrivalRate {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { trimmed($0) }
        guard (1...2).contains(parts.count) else { throw InvalidRate(text) }
        let name = parts.count == 2 ? parts[1] : "s"
        guard let unit = units.first(where: { $0.name == name })?.micro else { throw InvalidRate(text) }
        if parts[0].hasPrefix("-") { throw InvalidRate(text, "a rate is not negative") }
        let number = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(number.count), number.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }) else {
            throw InvalidRate(text)
        }
        guard number[0].utf8.count <= 12, let whole = Int64(number[0]) else { throw InvalidRate(text, tooHigh) }
        let (amount, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { throw InvalidRate(text, tooHigh) }
        var rate = ArrivalRate(microPerHour: amount)
        if number.count == 2 {
            var (numerator, denominator): (Int64, Int64) = (0, 1)
            for digit in number[1].utf8.prefix(9) {
                numerator = numerator * 10 + Int64(digit - UInt8(ascii: "0"))
                denominator *= 10
            }
            let isExact = number[1].utf8.dropFirst(9).allSatisfy { $0 == UInt8(ascii: "0") }
            guard isExact, (numerator * unit) % denominator == 0 else {
                throw InvalidRate(text, "finer than can be kept: write it an hour, with up to six decimals")
            }
            rate.microPerHour += numerator * unit / denominator
        }
        guard rate <= highest else { throw InvalidRate(text, tooHigh) }
        return rate
    }

    /// For a person, exact, and readable by ``parse(_:)``: `500/s`, `0.5/s`, `7/m`, `20/h`.
    public var text: String {
        for (name, unit) in [("s", Self.perSecondUnit), ("m", 60_000_000)] {
            if let number = Self.decimal(microPerHour, by: unit, digits: 3) { return "\(number)/\(name)" }
        }
        return "\(Self.decimal(microPerHour, by: 1_000_000, digits: 6)!)/h"
    }

    /// A quotient that has at most so many decimals; nil when it has more.
    private static func decimal(_ value: Int64, by unit: Int64, digits: Int) -> String? {
        var (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        var text = "\(whole)"
        if rest == 0 { return text }
        text += "."
        for _ in 0..<digits where rest != 0 {
            (whole, rest) = (rest * 10).quotientAndRemainder(dividingBy: unit)
            text += "\(whole)"
        }
        return rest == 0 ? text : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private static let tooHigh = "more than 10,000,000 a second"
}

/// A text that is no rate; the description says what would be one.
public struct InvalidRate: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text as it came.
    public let text: String
    public let description: String

    init(_ text: String, _ reason: String? = nil) {
        self.text = text
        description = "\(text): \(reason ?? "not a rate") (try 500/s, 0.5/s, 90/m)"
    }
}
