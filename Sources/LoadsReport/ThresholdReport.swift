import LoadsCore

extension Summary {
    /// A line for each threshold: what was asked, what came of it.
    func thresholdLines(_ style: Style) -> [String] {
        guard !thresholds.isEmpty else { return [] }
        let width = thresholds.map { $0.expression.printable.count }.max() ?? 0
        return ["", style.bold("  thresholds")]
            + thresholds.map { result in
                "  " + result.mark(style) + " " + result.expression.printable.paddedRight(to: width) + "  "
                    + result.outcome(style)
            }
    }

    /// What is said at the end of thresholds that could not be judged.
    var thresholdWarnings: [String] {
        thresholds.compactMap { result in
            guard let doubt = result.doubtText else {
                return result.lateSamples > 0
                    ? "\(result.expression.printable): \(Figures.count(result.lateSamples)) samples came more than an "
                        + "hour late and are in none of its windows"
                    : nil
            }
            return "\(result.expression.printable) was not judged: \(doubt.printable)"
        }
    }
}

extension ThresholdResult {
    fileprivate func mark(_ style: Style) -> String {
        switch state {
        case .passed: style.green("✓")
        case .breached: style.red("✗")
        case .unjudged: style.yellow("?")
        }
    }

    fileprivate func outcome(_ style: Style) -> String {
        guard let actualText else { return style.yellow("not judged: \((doubtText ?? "").printable)") }
        var parts = [state == .breached ? style.red(actualText) : actualText]
        if let windowEnd, windows > 0 {
            parts[0] += " at \(windowEnd) s"
            if brokenWindows > 0 {
                parts.append(
                    "\(Figures.count(brokenWindows)) of \(Figures.count(windows)) "
                        + "\(windows == 1 ? "window" : "windows") broke it")
            }
            if let breachedAt { parts.append("breached at \(breachedAt) s") }
        }
        if aborted { parts.append(style.red("the run was stopped")) }
        return parts.joined(separator: ", ")
    }

    func write(_ json: inout JSONWriter) {
        json.key("expression")
        json.value(expression)
        json.key("passed")
        if let passed { json.value(passed) } else { json.value(Int?.none) }
        json.key("actual")
        json.value(actual.map { $0 * threshold.limit.unit.jsonScale }, decimals: 6)
        json.key("limit")
        json.value(threshold.limit.value * threshold.limit.unit.jsonScale, decimals: 6)
        json.key("unit")
        json.value(threshold.limit.unit.jsonName)
        json.key("samples")
        json.value(samples)
        json.key("windows")
        json.value(windows)
        json.key("broken_windows")
        json.value(brokenWindows)
        json.key("window_end_s")
        json.value(windowEnd)
        json.key("breached_at_s")
        json.value(breachedAt)
        json.key("aborted")
        json.value(aborted)
        json.key("doubt")
        json.value(doubt?.rawValue)
        json.key("late_samples")
        json.value(lateSamples)
    }
}

extension [ThresholdResult] {
    /// As they stand, those that are breached first.
    var inProgress: [String] {
        let judged = filter { $0.actual != nil }
        return (judged.filter { $0.state == .breached } + judged.filter { $0.state != .breached }).map { result in
            (result.state == .breached ? "✗ " : result.state == .passed ? "✓ " : "… ") + result.expression.printable
                + ": \(result.actualText ?? "")"
        }
    }
}

extension Quantity.Unit {
    /// What the numbers of the JSON forms are in.
    var jsonName: String {
        switch self {
        case .time: "ms"
        case .share: "share"
        case .perSecond: "per_s"
        case .number: "number"
        case .bytes: "bytes"
        case .bytesPerSecond: "bytes_per_s"
        }
    }

    var jsonScale: Double { self == .time ? 1e-6 : 1 }
}
