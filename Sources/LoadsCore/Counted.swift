/// A number of things, as a person reads it.
public enum Counted {
    /// The number and the thing, in the plural unless it is one: `1 user`, `1,000 users`, `0 hits`.
    ///
    /// - Parameter noun: In the singular; its plural ends in `s`.
    public static func text(_ count: Int, _ noun: String) -> String {
        "\(number(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    /// The number with thousands set apart: `12,345`.
    public static func number(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var result = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
            result.append(digit)
        }
        return result
    }
}
