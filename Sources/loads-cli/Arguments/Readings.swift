import LoadsCore

/// Reads values out of text; each says what is wrong in a sentence, or gives the value.
struct Readings {
    private(set) var problems: [String] = []

    mutating func complain(_ problem: String) { problems.append(problem) }

    /// A length of time, as `DurationText` reads it.
    mutating func duration(_ given: Settings.Given?, positive: Bool = false) -> Duration? {
        guard let given else { return nil }
        return duration(given.text, given, positive: positive)
    }

    private mutating func duration(_ text: String, _ given: Settings.Given, positive: Bool) -> Duration? {
        let duration: Duration
        do throws(InvalidDuration) {
            duration = try DurationText.parse(text)
        } catch {
            complain("\(given.label) \(error)")
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

    /// A count that may be 0.
    mutating func countOrNone(_ given: Settings.Given?, upTo limit: Int) -> Int? {
        guard let given else { return nil }
        return count(given.text, given, from: 0, upTo: limit)
    }

    mutating func rate(_ given: Settings.Given?) -> ArrivalRate? {
        guard let given else { return nil }
        do throws(InvalidRate) { return try ArrivalRate.parse(given.text) } catch {
            complain("\(given.label) \(error)")
            return nil
        }
    }

    mutating func thinkTime(_ given: Settings.Given?) -> ThinkTime? {
        guard let given else { return nil }
        do throws(InvalidThinkTime) { return try ThinkTime.parse(given.text) } catch {
            complain("\(given.label) \(error)")
            return nil
        }
    }

    private mutating func count(
        _ text: String, _ given: Settings.Given, from least: Int = 1, upTo limit: Int
    ) -> Int? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            complain("\(given.label) \(given.text): not a whole number (try 10)")
            return nil
        }
        // What is beyond every number is beyond the limit, too.
        let value = Int(text) ?? (text.hasPrefix("-") ? .min : .max)
        if value < least {
            complain("\(given.label) \(given.text): must be at least \(least)")
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
