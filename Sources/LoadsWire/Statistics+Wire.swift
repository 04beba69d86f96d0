import LoadsCore
import LoadsEventLoop

extension Histogram {
    /// `b` holds pairs: the distance from the last bucket's index, and the bucket's count.
    var wire: WireValue {
        var buckets: [WireValue] = []
        var last = 0
        forEachBucket { index, count in
            buckets.append(.int(Int64(index - last)))
            buckets.append(.int(Int64(count)))
            last = index
        }
        return .map(["min": .int(min), "max": .int(max), "sum": .int(sum), "b": .array(buckets)])
    }

    init(_ map: WireMap) throws(WireError) {
        let pairs = try map.counts("b")
        guard pairs.count % 2 == 0 else { throw WireError("\(map.place("b")): an index without a count") }
        var buckets: [(index: Int, count: UInt64)] = []
        var index = 0
        for place in stride(from: 0, to: pairs.count, by: 2) {
            guard pairs[place] < Histogram.bucketLimit else { throw WireError("\(map.place("b")): no such bucket") }
            index += pairs[place]
            guard index < Histogram.bucketLimit, place == 0 || pairs[place] > 0, pairs[place + 1] > 0 else {
                throw WireError("\(map.place("b")): buckets must ascend and hold values")
            }
            buckets.append((index, UInt64(pairs[place + 1])))
        }
        let (min, max) = (try map.int("min"), try map.int("max"))
        guard min >= 0, min <= max else { throw WireError("\(map.place("min")): not from 0 to the maximum") }
        self.init(min: min, max: max, sum: try map.int("sum"), buckets: buckets)
    }
}

extension IterationCounts {
    var wire: WireValue {
        .map([
            "started": .int(Int64(started)), "ok": .int(Int64(ok)), "failed": .int(Int64(failed)),
            "skipped": .int(Int64(skipped)), "interrupted": .int(Int64(interrupted)),
        ])
    }

    init(_ map: WireMap) throws(WireError) {
        self.init()
        started = try map.count("started")
        ok = try map.count("ok")
        failed = try map.count("failed")
        skipped = try map.count("skipped")
        interrupted = try map.count("interrupted")
    }
}

extension NameStatistics {
    var wire: WireValue {
        .map([
            "count": .int(Int64(count)), "failed": .int(Int64(failed)), "requests": .int(Int64(requests)),
            "sent": .int(Int64(bytesSent)), "received": .int(Int64(bytesReceived)), "latency": latency.wire,
            "phases": .array(phases.map(\.wire)),
            "status": .map(Dictionary(uniqueKeysWithValues: status.map { ("\($0)", .int(Int64($1))) })),
        ])
    }

    init(_ map: WireMap) throws(WireError) {
        self.init()
        count = try map.count("count")
        failed = try map.count("failed")
        requests = try map.count("requests")
        bytesSent = try map.count("sent")
        bytesReceived = try map.count("received")
        latency = try Histogram(try map.map("latency"))
        let all = try map.array("phases")
        guard all.count == Phases.names.count else { throw WireError("\(map.place("phases")): not one for each phase") }
        for (index, value) in all.enumerated() { phases[index] = try Histogram(try WireMap(value, map.place("phases"))) }
        for (code, value) in try map.entries("status") {
            guard let code = Int(code), case .int(let amount) = value, amount >= 0, amount <= 1 << 53 else {
                throw WireError("\(map.place("status")): not a status with a count")
            }
            status[code] = Int(amount)
        }
    }
}

extension Occurrences {
    var wire: WireValue {
        .map(["count": .int(Int64(count)), "first": .double(first), "last": .double(last), "sample": .string(sample)])
    }

    init(_ map: WireMap) throws(WireError) {
        self.init(
            count: try map.count("count"), first: try map.double("first"), last: try map.double("last"),
            sample: try map.string("sample"))
    }
}

extension GeneratorHealth {
    var wire: WireValue {
        .map([
            "cpu_s": .double(cpuSeconds), "timer_lag_ns": .int(lag.latestTimer), "longest_job_ns": .int(lag.longestJob),
            "long_jobs": .int(Int64(lag.longJobs)), "peak_rss": .int(Int64(peakResidentBytes)),
            "dropped_hits": .int(Int64(droppedHits)), "orphan_failures": .int(Int64(orphanFailures)),
            "overflowed_names": .int(Int64(overflowedNames)),
        ])
    }

    init(_ map: WireMap) throws(WireError) {
        self.init()
        cpuSeconds = try map.double("cpu_s")
        lag.latestTimer = try map.int("timer_lag_ns")
        lag.longestJob = try map.int("longest_job_ns")
        lag.longJobs = try map.count("long_jobs")
        peakResidentBytes = try map.count("peak_rss")
        droppedHits = try map.count("dropped_hits")
        orphanFailures = try map.count("orphan_failures")
        overflowedNames = try map.count("overflowed_names")
    }
}

extension Statistics {
    var wire: WireValue {
        .map([
            "iterations": iterations.wire, "service": service.wire, "names": .map(names.mapValues(\.wire)),
            "errors": .map(errors.mapValues(\.wire)), "failures": .map(failures.mapValues(\.wire)),
            "health": health.wire, "users": .int(Int64(users)),
        ])
    }

    init(_ map: WireMap) throws(WireError) {
        self.init()
        iterations = try IterationCounts(try map.map("iterations"))
        service = try Histogram(try map.map("service"))
        for (name, value) in try map.entries("names") {
            names[name] = try NameStatistics(try WireMap(value, map.place("names")))
        }
        for (kind, value) in try map.entries("errors") {
            errors[kind] = try Occurrences(try WireMap(value, map.place("errors")))
        }
        for (place, value) in try map.entries("failures") {
            failures[place] = try Occurrences(try WireMap(value, map.place("failures")))
        }
        health = try GeneratorHealth(try map.map("health"))
        users = try map.count("users")
    }
}
