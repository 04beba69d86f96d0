import LoadsCore

/// Reads values out of text; each says what is wrong in a sentence, or gives the value.
struct Readings {
    private(set) var problems: [String] = []

    mutating func complain(_ problem: String) { problems.append(problem) }

    /// Lengths of time: `10s`, `2m`, `1h30m`, `500ms`, `1.5s`.
    static func duration(_ text: String) -> Duration? {
        var rest = text[...]
        var total = 0.0
        var lastUnit = Double.infinity
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(digits), !digits.hasPrefix("."), !digits.hasSuffix(".") else { return nil }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            // `0` means the same in every unit.
            if letters.isEmpty, number == 0, digits.count == text.count { return .zero }
            guard let unit = units[String(letters)], unit < lastUnit else { return nil }
            rest = rest.dropFirst(letters.count)
            lastUnit = unit
            total += number * unit
        }
        return total <= longest ? .nanoseconds(Int64((total * 1e9).rounded())) : nil
    }

    private static let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400]
    /// A year, in seconds.
    private static let longest = 366.0 * 86_400

    mutating func duration(_ given: Settings.Given?, positive: Bool = false) -> Duration? {
        guard let given else { return nil }
        return duration(given.text, given, positive: positive)
    }

    private mutating func duration(_ text: String, _ given: Settings.Given, positive: Bool) -> Duration? {
        guard let duration = Self.duration(text) else {
            complain("\(given.label) \(given.text): not a duration (try 10s, 2m, 1h30m)")
            return nil
        }
        if positive, duration <= .zero {
            complain("\(given.label) \(given.text): must be longer than nothing (try 10s, 2m, 1h30m)")
            return nil
        }
        return duration
    }

    mutating func count(_ given: Settings.Given?, upTo limit: Int) -> Int? {
        guard let given else { return nil }
        return count(given.text, given, upTo: limit)
    }

    private mutating func count(_ text: String, _ given: Settings.Given, upTo limit: Int) -> Int? {
        guard let value = Int(text), text.allSatisfy({ $0.isNumber || $0 == "-" }) else {
            complain("\(given.label) \(given.text): not a number (try 10)")
            return nil
        }
        if value < 1 {
            complain("\(given.label) \(given.text): must be at least 1")
            return nil
        }
        if value > limit {
            complain("\(given.label) \(given.text): at most \(limit)")
            return nil
        }
        return value
    }

    /// Several counts with colons between them.
    mutating func counts(_ given: Settings.Given?, upTo limit: Int) -> [Int]? {
        guard let given else { return nil }
        let before = problems.count
        var values: [Int] = []
        for part in parts(given) {
            guard let value = count(part, given, upTo: limit) else { return nil }
            values.append(value)
        }
        return problems.count == before ? values : nil
    }

    /// Several durations with colons between them.
    mutating func durations(_ given: Settings.Given?) -> [Duration]? {
        guard let given else { return nil }
        var values: [Duration] = []
        for part in parts(given) {
            guard let value = duration(part, given, positive: true) else { return nil }
            values.append(value)
        }
        return values
    }

    private func parts(_ given: Settings.Given) -> [String] {
        given.text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    }
}
