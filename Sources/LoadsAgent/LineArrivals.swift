import LoadsCore

/// What has become of arrivals since the program last said so.
struct LineArrivals: Equatable {
    var counts = ArrivalCounts()
    /// Nanoseconds, of those that started.
    var lags: [Int64] = []

    init(_ value: LineValue) throws(LineFault) {
        if let planned = value["planned"] { counts.planned = try planned.count("planned", upTo: 1 << 42) }
        if let started = value["started"] { counts.started = try started.count("started", upTo: 1 << 42) }
        if let dropped = value["dropped"] { counts.dropped = try dropped.count("dropped", upTo: 1 << 42) }
        if let cancelled = value["cancelled"] { counts.cancelled = try cancelled.count("cancelled", upTo: 1 << 42) }
        guard let given = value["lag_ms"] else { return }
        guard case .array(let given) = given else { throw LineFault("lag_ms: not an array of times") }
        for lag in given { lags.append(try lag.nanoseconds("lag_ms")) }
    }
}
