internal import LoadsCore

/// Numbers as a person reads them.
enum Figures {
    /// A number with a fixed number of decimals and thousands set apart: `12,345.6`.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((value * scale).rounded())
        var digits = String(scaled.magnitude)
        if digits.count <= decimals { digits = String(repeating: "0", count: decimals + 1 - digits.count) + digits }
        let whole = digits.dropLast(decimals)
        let sign = scaled < 0 ? "-" : ""
        return sign + Counted.number(Int(whole) ?? 0) + (decimals > 0 ? "." + digits.suffix(decimals) : "")
    }

    /// A number of any size, with at most four digits behind the whole ones that say something: `19.99`, `0.0041`.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        guard abs(value) < 1e15 else { return value.description }
        let decimals =
            value == value.rounded() ? 0 : abs(value) >= 100 ? 1 : abs(value) >= 1 ? 2 : abs(value) >= 0.01 ? 4 : 6
        return fixed(value, decimals)
    }

    /// A whole number with thousands set apart: `12,345`.
    static func count(_ value: Int) -> String { Counted.number(value) }

    /// The same with what is counted: `1 hit`, `12,345 hits`.
    static func count(_ value: Int, _ noun: String) -> String { Counted.text(value, noun) }

    /// A rate with about three digits that say something.
    static func rate(_ value: Double) -> String { fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2) }

    /// A share of a whole in per cent. What is not nothing does not read `0`, what is not all does not read `100`.
    static func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "0 %" }
        if part == 0 || part == whole { return part == 0 ? "0 %" : "100 %" }
        let share = Double(part) / Double(whole) * 100
        return fixed(min(max(share, 0.01), 99.99), share < 1 || share > 99 ? 2 : 1) + " %"
    }

    /// Bytes in binary units: `1.2 MiB`.
    static func bytes(_ value: Int) -> String {
        guard value >= 1024 else { return "\(value) B" }
        var amount = Double(value) / 1024
        for unit in ["KiB", "MiB", "GiB"] {
            if amount < 1023.95 { return fixed(amount, amount < 100 ? 1 : 0) + " " + unit }
            amount /= 1024
        }
        return fixed(amount, 1) + " TiB"
    }

    /// A length of time in the unit that fits it: `213 µs`, `4.7 ms`, `12.3 s`, `2 m 05 s`, `1 h 05 m`.
    static func time(nanoseconds: Double) -> String {
        if nanoseconds < 999_500 { return fixed(nanoseconds / 1e3, nanoseconds < 9_950 ? 1 : 0) + " µs" }
        let milliseconds = nanoseconds / 1e6
        if milliseconds < 999.5 { return fixed(milliseconds, milliseconds < 99.5 ? 1 : 0) + " ms" }
        return time(seconds: nanoseconds / 1e9)
    }

    /// A length of time of a second and more; what is shorter keeps a decimal.
    static func time(seconds: Double) -> String {
        if seconds < 59.95 { return fixed(seconds, 1) + " s" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60) m \(padded(whole % 60)) s" }
        return "\(whole / 3600) h \(padded(whole % 3600 / 60)) m"
    }

    private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

/// The unit in which all times of a table are shown, so that they can be compared at a glance.
struct TimeUnit: Sendable, Equatable {
    let name: String
    let nanoseconds: Double
    let decimals: Int

    /// The unit in which all of these times are shown.
    init(of times: some Collection<Histogram>) {
        self.init(
            typical: times.lazy.map { $0.percentile(0.5) ?? 0 }.max() ?? 0, largest: times.lazy.map(\.max).max() ?? 0)
    }

    /// Chooses the unit by what is typical and what is largest: no typical value reads `0.00`, no large one fills the
    /// line.
    init(typical: Int64, largest: Int64) {
        if typical < 1_000_000, largest < 10_000_000 {
            (name, nanoseconds, decimals) = ("µs", 1e3, typical < 100_000 ? 1 : 0)
        } else if typical < 1_000_000_000 {
            (name, nanoseconds, decimals) = ("ms", 1e6, typical < 1_000_000 ? 3 : typical < 10_000_000 ? 2 : 1)
        } else {
            (name, nanoseconds, decimals) = ("s", 1e9, 2)
        }
    }

    func format(_ value: Double) -> String { Figures.fixed(value / nanoseconds, decimals) }
}
