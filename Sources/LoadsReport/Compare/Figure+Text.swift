import LoadsCore

extension Figure {
    /// Its parts as a person reads them: what it is, both values, the change, the interval of the difference, the claim.
    var cells: [String] {
        let scale = scale
        func value(_ value: Double) -> String { Figures.fixed(value / scale.size, scale.decimals) }
        func signed(_ value: Double?) -> String {
            guard let value else { return "?" }
            let text = Figures.fixed(value / scale.size, scale.decimals)
            return value > 0 ? "+" + text : text
        }
        let share = change.map { ($0 > 0 ? "+" : "") + Figures.fixed($0 * 100, 1) + " %" } ?? "–"
        return [
            kind.label + (scale.unit.isEmpty ? "" : ", " + scale.unit), value(before.estimate), value(after.estimate),
            share, "\(signed(difference.low)) … \(signed(difference.high))", sentence,
        ]
    }

    /// What can be said, in words.
    var sentence: String {
        let words =
            switch (claim, kind) {
            case (.none, _): "no difference can be claimed"
            case (.tooFew, _): "no difference can be claimed: too few values"
            case (.worse, .percentile): "slower"
            case (.better, .percentile): "faster"
            case (.worse, .errors): "more errors"
            case (.better, .errors): "fewer errors"
            case (.worse, .rate): "fewer hits a second"
            case (.better, .rate): "more hits a second"
            }
        return regressed ? words + ": regression" : words
    }

    private var scale: (size: Double, unit: String, decimals: Int) {
        switch kind {
        case .percentile:
            let unit = TimeUnit(
                typical: Int64(max(before.estimate, after.estimate)),
                largest: Int64(max(before.estimate, after.estimate)))
            return (unit.nanoseconds, unit.name, max(2, unit.decimals))
        case .errors: return (0.01, "%", 3)
        case .rate: return (1, "", max(before.estimate, after.estimate) >= 100 ? 1 : 3)
        }
    }
}

extension Figure.Kind {
    /// What it is, short.
    var label: String {
        switch self {
        case .percentile(let fraction): "p" + Self.percent(fraction)
        case .errors: "errors"
        case .rate: "hits/s"
        }
    }

    /// 0.999 as `99.9`.
    static func percent(_ fraction: Double) -> String {
        var text = Decimal.text(fraction * 100, decimals: 3)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}

extension Figure.Subject {
    var label: String {
        switch self {
        case .all: "all hits"
        case .name(let name): name
        case .step(let name): "step " + name
        case .service: "iterations, service time"
        case .response: "iterations, response time"
        }
    }
}
