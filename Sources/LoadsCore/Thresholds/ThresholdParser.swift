import LoadsEventLoop

/// Reads one expression. A pure structure.
///
///     measure comparison value { clause }
struct ThresholdParser {
    private let text: [Character]
    private var place = 0
    private static let end: Character = "\0"

    init(_ expression: String) throws(ThresholdSyntaxError) {
        // One character each, so that a place in the text is a place under it.
        text = expression.map { character in
            character.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : character
        }
        guard text.count <= Threshold.lengthLimit else {
            throw ThresholdSyntaxError(
                text: String(text.prefix(60)) + "…", offset: 0,
                reason: "longer than \(Threshold.lengthLimit) characters")
        }
    }

    mutating func threshold() throws(ThresholdSyntaxError) -> Threshold {
        let measure = try measure()
        let comparison = try comparison()
        skipSpaces()
        let start = place
        let limit = try quantity(of: measure)
        try check(limit, comparison, measure, at: start)
        var clauses = Clauses()
        while skipSpaces(), place < text.count { try clause(&clauses) }
        let threshold = Threshold(
            expression: String(text).trimmingSpaces, measure: measure, comparison: comparison, limit: limit,
            // Without windows there is nothing that could go on for a while.
            window: clauses.window ?? (clauses.persistence == nil ? nil : 1), persistence: clauses.persistence ?? 0,
            delay: clauses.delay ?? 0, minimum: clauses.minimum ?? 0, aborts: clauses.abort != nil)
        if let abort = clauses.abort {
            try need(
                !threshold.isCount || comparison != .above && comparison != .atLeast,
                "a number that must be reached is judged at the end, where nothing is left to stop (try over 10s)",
                at: abort)
        }
        return threshold
    }

    // MARK: The measure

    private static let functions: [String: Measure.Function] = [
        "median": .percentile(0.5), "mean": .mean, "min": .min, "max": .max, "errors": .errors,
        "failures": .failures, "dropped": .dropped, "checks": .checks, "hits": .hits, "iterations": .iterations,
        "rate": .rate, "bytes": .bytes, "count": .count, "sum": .sum, "last": .last, "share": .share,
    ]

    private mutating func measure() throws(ThresholdSyntaxError) -> Measure {
        skipSpaces()
        let start = place
        let word = word { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") }
        let function = try function(word, at: start)
        skipSpaces()
        guard current == "(" else {
            try need(function.takesAll, "\(word) is of something: try \(word)(metric NAME)")
            return Measure(function)
        }
        place += 1
        skipSpaces()
        let subject = try subject(of: function, word)
        return Measure(function, subject)
    }

    private func function(_ word: String, at start: Int) throws(ThresholdSyntaxError) -> Measure.Function {
        if let function = Self.functions[word] { return function }
        if word.first == "p", word.count > 1, let per = Double(word.dropFirst()), (0...100).contains(per) {
            // 99.9 / 100 is 0.9990000000000001.
            return .percentile((per * 1e8).rounded() / 1e10)
        }
        if word.first == "p", word.dropFirst().first?.isNumber == true {
            throw fault("no percentile: from p0 to p100 (try p99.9)", at: start + 1)
        }
        throw fault(
            (word.isEmpty ? "a measure is expected" : "\(word) is no measure")
                + " (p95, median, mean, min, max, errors, failures, checks, hits, iterations, rate, bytes, dropped)",
            at: start)
    }

    private mutating func subject(
        of function: Measure.Function, _ word: String
    ) throws(ThresholdSyntaxError) -> Measure.Subject {
        let start = place
        let (prefix, name) = try name()
        let subject: Measure.Subject
        switch (prefix, function) {
        case ("hit", _): subject = .hit(name)
        case ("step", _): subject = .step(name)
        case ("metric", _): subject = .metric(name)
        case ("check", _), (nil, .checks): subject = .check(name)
        default: subject = prefix.flatMap { Self.reserved[$0] } ?? .hit(name)
        }
        guard function.takes(subject) else {
            throw fault("\(word) of this cannot be had: \(function.subjects)", at: start)
        }
        return subject
    }

    private static let reserved: [String: Measure.Subject] = [
        "iterations": .iterations, "response": .response, "service": .service, "lag": .lag,
    ]

    /// What stands between the parentheses, up to the closing one: `iterations`, `GET /login`, `step "a)"`.
    private mutating func name() throws(ThresholdSyntaxError) -> (prefix: String?, name: String) {
        let opening = place - 1
        var prefix: String?
        if current != "\"" {
            let mark = place
            let first = word { $0.isASCII && $0.isLetter }
            skipSpaces()
            if Self.reserved[first] != nil, current == ")" {
                place += 1
                return (first, first)
            }
            if ["hit", "step", "check", "metric"].contains(first), text[safe: mark + first.count] == " ", current != ")"
            {
                prefix = first
            } else {
                place = mark
            }
        }
        let start = place
        var name = ""
        if current == "\"" {
            name = try quoted()
            skipSpaces()
        } else {
            var depth = 0
            while place < text.count, depth > 0 || current != ")" {
                if current == "(" { depth += 1 } else if current == ")" { depth -= 1 }
                name.append(current)
                place += 1
            }
            name = name.trimmingSpaces
        }
        guard place < text.count else { throw fault("the parenthesis is not closed", at: opening) }
        guard current == ")" else { throw fault(") is expected", at: place) }
        guard !name.isEmpty else { throw fault("the name is empty", at: start) }
        place += 1
        return (prefix, name)
    }

    private mutating func quoted() throws(ThresholdSyntaxError) -> String {
        let start = place
        var name = ""
        place += 1
        while place < text.count, current != "\"" {
            if current == "\\" { place += 1 }
            if place < text.count { name.append(current) }
            place += 1
        }
        guard place < text.count else { throw fault("the quotation mark is not closed", at: start) }
        place += 1
        return name
    }

    // MARK: The comparison and its limit

    private mutating func comparison() throws(ThresholdSyntaxError) -> Threshold.Comparison {
        skipSpaces()
        let start = place
        if current == "≤" || current == "≥" {
            defer { place += 1 }
            return current == "≤" ? .atMost : .atLeast
        }
        let sign = word { "<>=!".contains($0) }
        if let comparison = Threshold.Comparison(rawValue: sign) { return comparison }
        throw fault(
            sign.isEmpty
                ? "a comparison is expected (<, <=, >, >=, ==)" : "\(sign) is no comparison (<, <=, >, >=, ==)",
            at: start)
    }

    private mutating func quantity(of measure: Measure) throws(ThresholdSyntaxError) -> Quantity {
        let start = place
        let sign = current == "-" ? -1.0 : 1
        if sign < 0 { place += 1 }
        let digits = word { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), digits.first != ".", digits.last != "." else {
            throw fault(
                (digits.isEmpty ? "a number is expected" : "not a number") + " (try \(measure.example))", at: start)
        }
        guard sign > 0 || measure.isOfMetric else { throw fault("this is never negative", at: start) }
        let unitStart = place
        var quantity = Quantity(sign * number, .number)
        skipSpaces()
        if current == "%" {
            place += 1
            quantity = Quantity(number / 100 * sign, .share)
        } else if current == "/" {
            quantity = Quantity(sign * number / (try perTime()), .perSecond)
        } else {
            let unit = word { $0.isLetter }
            if let bytes = Self.byteUnits[unit] {
                skipSpaces()
                quantity = Quantity(number * bytes * sign, .bytes)
                if current == "/" {
                    quantity = Quantity(quantity.value / (try perTime()), .bytesPerSecond)
                }
            } else if Self.timeUnits.contains(unit) {
                quantity = Quantity(sign * (try time(from: start + (sign < 0 ? 1 : 0))), .time)
            } else {
                place = unitStart
            }
        }
        guard measure.units.contains(quantity.unit) else {
            throw fault(
                quantity.unit == .number
                    ? "the unit is missing (try \(measure.example))"
                    : "not in this unit (try \(measure.example))", at: unitStart)
        }
        return quantity
    }

    private static let timeUnits: Set = ["d", "h", "m", "s", "ms", "us", "µs", "μs", "ns"]
    private static let byteUnits: [String: Double] = [
        "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1024, "MiB": 1_048_576,
        "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
    ]

    /// `/s`, `/m`, `/h`: how many seconds that is.
    private mutating func perTime() throws(ThresholdSyntaxError) -> Double {
        let start = place
        place += 1
        skipSpaces()
        switch word({ $0.isLetter }) {
        case "s": return 1
        case "m", "min": return 60
        case "h": return 3600
        default: throw fault("/s, /m or /h is expected", at: start)
        }
    }

    /// A time whose number begins somewhere before, in nanoseconds: `1m30s`, `200 ms`.
    private mutating func time(from start: Int) throws(ThresholdSyntaxError) -> Double {
        // What follows without a space belongs to it.
        _ = word { $0.isNumber || $0 == "." || $0.isLetter }
        let written = String(text[start..<place].filter { $0 != " " }.map { $0 == "μ" ? "µ" : $0 })
        do {
            return Double(try DurationText.parse(written).wholeNanoseconds)
        } catch {
            throw fault("\(error)", at: start)
        }
    }

    /// What can never be, or never be otherwise, is a slip.
    private func check(
        _ limit: Quantity, _ comparison: Threshold.Comparison, _ measure: Measure, at start: Int
    ) throws(ThresholdSyntaxError) {
        if measure.isOfMetric { return }
        if limit.value == 0, comparison == .below { throw fault("nothing is below 0 (try <= or ==)", at: start) }
        if limit.value == 0, comparison == .atLeast { throw fault("everything is at least 0 (try >)", at: start) }
        guard limit.unit == .share else { return }
        if limit.value > 1 { throw fault("a share is at most 100 %", at: start) }
        if limit.value == 1, comparison == .above { throw fault("a share is at most 100 % (try >= or ==)", at: start) }
    }

    // MARK: Clauses

    private struct Clauses {
        var window: Int?
        var persistence: Int?
        var delay: Int?
        var minimum: Int?
        /// Where the word stands.
        var abort: Int?
    }

    private mutating func clause(_ clauses: inout Clauses) throws(ThresholdSyntaxError) {
        let start = place
        let word = word { $0.isASCII && $0.isLetter }
        switch word {
        case "over":
            try need(clauses.window == nil, "over stands twice", at: start)
            clauses.window = try seconds(upTo: Threshold.windowLimit, "1h")
        case "for":
            try need(clauses.persistence == nil, "for stands twice", at: start)
            clauses.persistence = try seconds(upTo: 86_400, "1d")
        case "after":
            try need(clauses.delay == nil, "after stands twice", at: start)
            clauses.delay = try seconds(upTo: 86_400 * 28, "28d")
        case "min":
            try need(clauses.minimum == nil, "min stands twice", at: start)
            clauses.minimum = try samples()
        case "abort":
            try need(clauses.abort == nil, "abort stands twice", at: start)
            clauses.abort = start
        default:
            throw fault(
                "not understood (over 10s, for 30s, after 1m, min 100 samples or abort may follow)", at: start)
        }
    }

    private mutating func seconds(upTo limit: Int, _ name: String) throws(ThresholdSyntaxError) -> Int {
        skipSpaces()
        let start = place
        let digits = word { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { throw fault("a time is expected (try 10s)", at: start) }
        skipSpaces()
        let nanoseconds = try time(from: start)
        let seconds = nanoseconds / 1e9
        try need(seconds >= 1 && seconds == seconds.rounded(), "whole seconds are expected (try 10s)", at: start)
        try need(seconds <= Double(limit), "longer than \(name)", at: start)
        return Int(seconds)
    }

    private mutating func samples() throws(ThresholdSyntaxError) -> Int {
        skipSpaces()
        let start = place
        let digits = word { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), (1...1_000_000_000_000).contains(count) else {
            throw fault("a number of samples is expected (try min 100 samples)", at: start)
        }
        skipSpaces()
        let mark = place
        if !["samples", "sample"].contains(word({ $0.isLetter })) { place = mark }
        return count
    }

    // MARK: Characters

    private var current: Character { place < text.count ? text[place] : Self.end }

    @discardableResult private mutating func skipSpaces() -> Bool {
        while place < text.count, current == " " { place += 1 }
        return true
    }

    private mutating func word(_ belongs: (Character) -> Bool) -> String {
        let start = place
        while place < text.count, belongs(current) { place += 1 }
        return String(text[start..<place])
    }

    private func need(_ isRight: Bool, _ reason: String, at place: Int? = nil) throws(ThresholdSyntaxError) {
        if !isRight { throw fault(reason, at: place ?? self.place) }
    }

    private func fault(_ reason: String, at place: Int) -> ThresholdSyntaxError {
        ThresholdSyntaxError(text: String(text), offset: place, reason: reason)
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = Substring(self)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension [Character] {
    fileprivate subscript(safe index: Int) -> Character? { indices.contains(index) ? self[index] : nil }
}
