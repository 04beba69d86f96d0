/// Numbers as machines read them: a point, no thousands set apart, whatever the locale.
enum Decimal {
    /// A number with a fixed number of decimals.
    static func text(_ value: Double, decimals: Int) -> String {
        var json = JSONWriter()
        json.value(value, decimals: decimals)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Nanoseconds as milliseconds with six decimals: exact.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        var json = JSONWriter()
        json.milliseconds(nanoseconds)
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
