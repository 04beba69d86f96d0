internal import LoadsCore

/// What a test measures of its own, beside its requests. The summary lists each metric by name.
///
/// ```swift
/// Metric.count("articles", articles.count)
/// Metric.gauge("queue length", status.waiting)
/// Metric.rate("from cache", response.header("X-Cache") == "HIT")
/// Metric.trend("cart", cart.total, unit: "EUR")
/// Metric.trend("until delivered", .milliseconds(job.waited))
/// ```
///
/// A name has one kind and one unit: values of another are counted beside it, under `name (kind, unit)`. A value that is no
/// finite number or outside of its kind's range is not recorded but counted as refused. Tags are part of the name that is
/// counted under: `cart{plan=pro}`. Usable from any task of an iteration; outside a load run nothing happens.
public enum Metric {
    /// Adds to a counter.
    ///
    /// - Parameters:
    ///   - amount: Its magnitude is at most 10^15; it may be negative.
    ///   - unit: For a person: `EUR`.
    public static func count(_ name: String, _ amount: Int = 1, unit: String = "", tags: [String: String] = [:]) {
        record(name, .counter, Double(amount), unit, tags)
    }

    /// Adds to a counter.
    ///
    /// - Parameters:
    ///   - amount: Its magnitude is at most 10^15; it may be negative.
    ///   - unit: For a person: `EUR`.
    public static func count(
        _ name: String, _ amount: Double, unit: String = "", tags: [String: String] = [:]
    ) {
        record(name, .counter, Double(amount), unit, tags)
    }

    /// Says what the level of something is: the last, the smallest and the largest of a run are shown.
    ///
    /// - Parameters:
    ///   - value: Its magnitude is at most 10^15.
    ///   - unit: For a person: `jobs`.
    public static func gauge(
        _ name: String, _ value: Int, unit: String = "", tags: [String: String] = [:]
    ) {
        record(name, .gauge, Double(value), unit, tags)
    }

    /// Says what the level of something is: the last, the smallest and the largest of a run are shown.
    ///
    /// - Parameters:
    ///   - value: Its magnitude is at most 10^15.
    ///   - unit: For a person: `jobs`.
    public static func gauge(
        _ name: String, _ value: Double, unit: String = "", tags: [String: String] = [:]
    ) {
        record(name, .gauge, Double(value), unit, tags)
    }

    /// Says whether something was so: the share of those that were is shown.
    public static func rate(_ name: String, _ value: Bool, tags: [String: String] = [:]) {
        record(name, .rate, value ? 1 : 0, "", tags)
    }

    /// Adds to a distribution: its percentiles are shown.
    ///
    /// - Parameters:
    ///   - value: From 0 to 9·10^12. It is kept with three significant digits, in steps of a millionth.
    ///   - unit: For a person: `EUR`, `bytes`.
    public static func trend(
        _ name: String, _ value: Int, unit: String = "", tags: [String: String] = [:]
    ) {
        record(name, .trend, Double(value), unit, tags)
    }

    /// Adds to a distribution: its percentiles are shown.
    ///
    /// - Parameters:
    ///   - value: From 0 to 9·10^12. It is kept with three significant digits, in steps of a millionth.
    ///   - unit: For a person: `EUR`, `bytes`.
    public static func trend(
        _ name: String, _ value: Double, unit: String = "", tags: [String: String] = [:]
    ) {
        record(name, .trend, Double(value), unit, tags)
    }

    /// Adds a time to a distribution: its percentiles are shown, in milliseconds.
    public static func trend(_ name: String, _ time: Duration, tags: [String: String] = [:]) {
        record(name, .trend, time / .milliseconds(1), "ms", tags)
    }

    private static func record(
        _ name: String, _ kind: MetricKind, _ value: Double, _ unit: String, _ tags: [String: String]
    ) {
        IterationContext.current?.recordMetric(TaggedName.text(name, tags), kind, unit: unit, value)
    }
}
