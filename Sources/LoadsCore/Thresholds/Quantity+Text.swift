extension Quantity: CustomStringConvertible {
    /// For a person: `213 ms`, `0.4 %`, `912/s`, `10 MiB/s`.
    public var description: String {
        switch unit {
        case .time: Self.time(value)
        case .share: Self.digits(value * 100) + " %"
        case .perSecond: Self.digits(value) + "/s"
        case .number: Self.digits(value)
        case .bytes: Self.bytes(value)
        case .bytesPerSecond: Self.bytes(value) + "/s"
        }
    }

    private static func time(_ nanoseconds: Double) -> String {
        switch abs(nanoseconds) {
        case ..<1e6: digits(nanoseconds / 1e3) + " µs"
        case ..<1e9: digits(nanoseconds / 1e6) + " ms"
        default: digits(nanoseconds / 1e9) + " s"
        }
    }

    private static func bytes(_ bytes: Double) -> String {
        var amount = bytes
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if abs(amount) < 1024 { return digits(amount) + " " + unit }
            amount /= 1024
        }
        return digits(amount) + " TiB"
    }

    /// Five digits that say something, and no zeros behind them; whole numbers in full.
    static func digits(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        var scale = 1.0
        var size = abs(value)
        while size < 10_000, scale < 1e6 {
            scale *= 10
            size *= 10
        }
        let scaled = (abs(value) * scale).rounded()
        let whole = Int(scaled / scale)
        var fraction = Int(scaled) - whole * Int(scale)
        var decimals = ""
        var place = Int(scale)
        while place > 1, fraction > 0 {
            place /= 10
            decimals += "\(fraction / place)"
            fraction %= place
        }
        return (value < 0 && scaled > 0 ? "-" : "") + "\(whole)" + (decimals.isEmpty ? "" : "." + decimals)
    }
}
