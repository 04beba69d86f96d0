import LoadsCore

/// The statistics of a message, found right and ready to be merged: the names' histograms are still the message's bytes.
struct StatisticsReader {
    /// Everything that has no name.
    private(set) var rest = Statistics()
    private(set) var hitCount = 0
    private(set) var failedHitCount = 0
    private(set) var cancelledHitCount = 0
    private var names: [Name] = []
    private let grouped: GroupedReader
    /// For each name its latency, then its phases.
    private var histograms: [PackedHistogram] = []
    private var statuses: [(status: Int, count: Int)] = []

    private static let histogramCount = 1 + Phases.names.count

    private struct Name {
        var name: String
        var count: Int
        var cancelled: Int
        var failed: Int
        var requests: Int
        var bytesSent: Int
        var bytesReceived: Int
        var statuses: Range<Int>
    }

    /// - Parameters:
    ///   - limit: The largest count, also of all names together.
    ///   - isApart: Whether these are a warm-up's, which has none of its own.
    init(_ node: Node, limit: Int, isApart: Bool = false) throws(WireError) {
        grouped = try GroupedReader(node, limit: limit)
        rest.iterations = try IterationCounts(node.field("iterations"), limit: limit)
        if let node = try node.optional("service") {
            let service = try PackedHistogram(node, limit: limit)
            node.withMessage { service.merge(into: &rest.service, $0) }
        }
        if let node = try node.optional("arrivals") { rest.arrivals = try ArrivalCounts(node, limit: limit) }
        if let node = try node.optional("response") {
            let response = try PackedHistogram(node, limit: limit)
            node.withMessage { response.merge(into: &rest.response, $0) }
        }
        if let node = try node.optional("unscheduled") {
            let times = try PackedHistogram(node, limit: limit)
            node.withMessage { times.merge(into: &rest.unscheduled, $0) }
        }
        if let node = try node.optional("user_wait") {
            let waits = try PackedHistogram(node, limit: limit)
            node.withMessage { waits.merge(into: &rest.userWait, $0) }
        }
        if let node = try node.optional("schedule_lag") {
            let lag = try PackedHistogram(node, limit: limit)
            node.withMessage { lag.merge(into: &rest.scheduleLag, $0) }
        }
        if !isApart, let node = try node.optional("warm_up") {
            let reader = try StatisticsReader(node, limit: limit, isApart: true)
            var warmUp = reader.rest
            node.withMessage { reader.mergeNamed(into: &warmUp, $0) }
            rest.warmUp = warmUp
        }
        rest.errors = try node.field("errors").occurrences(limit: limit)
        rest.failures = try node.field("failures").occurrences(limit: limit)
        rest.health = try GeneratorHealth(node.field("health"))
        rest.users = try node.field("users").int()
        var (requests, sent, received) = (0, 0, 0)
        try node.field("names").forEachEntry { key, node throws(WireError) in
            try read(key, node, limit)
            let name = names[names.count - 1]
            try Self.add(name.count, to: &hitCount, limit)
            try Self.add(name.cancelled, to: &cancelledHitCount, limit)
            try Self.add(name.failed, to: &failedHitCount, limit)
            try Self.add(name.requests, to: &requests, limit)
            try Self.add(name.bytesSent, to: &sent, limit)
            try Self.add(name.bytesReceived, to: &received, limit)
        }
    }

    /// Adds up without an overflow, here or in whoever adds up the names later.
    private static func add(_ amount: Int, to total: inout Int, _ limit: Int) throws(WireError) {
        total += amount
        guard total <= limit else {
            throw WireError(code: .tooLarge, message: "message field names: more than \(limit) in all")
        }
    }

    private mutating func read(_ key: String, _ node: Node, _ limit: Int) throws(WireError) {
        let first = statuses.count
        let pairs = try node.field("status").flat
        guard pairs.count % 2 == 0, pairs.count <= 2000 else { throw .field("status", "pairs of status and count") }
        for place in stride(from: 0, to: pairs.count, by: 2) {
            statuses.append((try pairs[place].int(in: 0...999), try pairs[place + 1].int(in: 0...limit)))
        }
        let range = 0...limit
        names.append(
            Name(
                name: key, count: try node.field("count").int(in: range),
                cancelled: try node.optional("cancelled")?.int(in: range) ?? 0,
                failed: try node.field("failed").int(in: range),
                requests: try node.field("requests").int(in: range),
                bytesSent: try node.field("bytes_sent").int(in: range),
                bytesReceived: try node.field("bytes_received").int(in: range), statuses: first..<statuses.count))
        if let latency = try node.optional("latency") {
            histograms.append(try PackedHistogram(latency, limit: limit))
        } else {
            histograms.append(PackedHistogram())
        }
        let phases = try node.field("phases")
        guard try phases.count == Phases.names.count else {
            throw .field("phases", "\(Phases.names.count) histograms or nulls")
        }
        try phases.eachElement { node throws(WireError) in histograms.append(try PackedHistogram(node, limit: limit)) }
    }

    // MARK: Merging

    /// Adds everything.
    ///
    /// - Parameter message: The bytes that this was read from.
    func merge(into statistics: inout Statistics, _ message: UnsafeRawPointer) {
        statistics.merge(rest)
        mergeNamed(into: &statistics, message)
    }

    /// Adds what has a name: hits, steps, checks and metrics.
    func mergeNamed(into statistics: inout Statistics, _ message: UnsafeRawPointer) {
        for (place, name) in names.enumerated() {
            merge(
                name, place * Self.histogramCount, into: &statistics.names[name.name, default: NameStatistics()],
                message)
        }
        grouped.merge(into: &statistics, message)
    }

    private func merge(
        _ name: Name, _ first: Int, into statistics: inout NameStatistics, _ message: UnsafeRawPointer
    ) {
        statistics.count += name.count
        statistics.cancelled += name.cancelled
        statistics.failed += name.failed
        statistics.requests += name.requests
        statistics.bytesSent += name.bytesSent
        statistics.bytesReceived += name.bytesReceived
        for place in name.statuses { statistics.status[statuses[place].status, default: 0] += statuses[place].count }
        histograms[first].merge(into: &statistics.latency, message)
        for phase in statistics.phases.indices {
            histograms[first + 1 + phase].merge(into: &statistics.phases[phase], message)
        }
    }
}
