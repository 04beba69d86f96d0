import LoadsCore
import LoadsEventLoop

extension Statistics {
    /// Writes the fields of statistics into the map that is open.
    func packFields(into packer: Packer) {
        packer.field("iterations") { iterations.pack(into: packer) }
        packer.key("service")
        packer.histogram(service)
        packer.field("names") {
            for (name, statistics) in names.sorted(by: { $0.key < $1.key }) {
                packer.field(name) { statistics.pack(into: packer) }
            }
        }
        packer.field("errors") { packer.occurrences(errors) }
        packer.field("failures") { packer.occurrences(failures) }
        packer.field("health") { health.pack(into: packer) }
        packer.field("users", users)
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        iterations = try IterationCounts(node.field("iterations"))
        if let node = try node.optional("service") { service = try Histogram(node) }
        var names: [String: NameStatistics] = [:]
        try node.field("names").forEachEntry { name, node throws(WireError) in
            names[name, default: NameStatistics()].merge(try NameStatistics(node))
        }
        self.names = names
        errors = try node.field("errors").occurrences()
        failures = try node.field("failures").occurrences()
        health = try GeneratorHealth(node.field("health"))
        users = try node.field("users").int()
    }
}

extension IterationCounts {
    func pack(into packer: Packer) {
        packer.field("started", started)
        packer.field("ok", ok)
        packer.field("failed", failed)
        packer.field("skipped", skipped)
        packer.field("interrupted", interrupted)
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        started = try node.field("started").total()
        ok = try node.field("ok").total()
        failed = try node.field("failed").total()
        skipped = try node.field("skipped").total()
        interrupted = try node.field("interrupted").total()
    }
}

extension NameStatistics {
    func pack(into packer: Packer) {
        packer.field("count", count)
        packer.field("failed", failed)
        packer.field("requests", requests)
        packer.field("bytes_sent", bytesSent)
        packer.field("bytes_received", bytesReceived)
        packer.key("latency")
        packer.histogram(latency)
        packer.key("phases")
        packer.array(phases.count)
        for phase in phases { packer.histogram(phase) }
        packer.key("status")
        packer.array(status.count * 2)
        for (status, count) in status.sorted(by: { $0.key < $1.key }) {
            packer.int(status)
            packer.int(count)
        }
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        count = try node.field("count").int()
        failed = try node.field("failed").int()
        requests = try node.field("requests").int()
        bytesSent = try node.field("bytes_sent").int()
        bytesReceived = try node.field("bytes_received").int()
        if let node = try node.optional("latency") { latency = try Histogram(node) }
        let list = try node.field("phases")
        guard try list.count == phases.count else { throw .field("phases", "\(phases.count) histograms or nulls") }
        for index in phases.indices where !list[index].isNull { phases[index] = try Histogram(list[index]) }
        let pairs = try node.field("status")
        guard try pairs.count % 2 == 0, try pairs.count <= 2000 else {
            throw .field("status", "pairs of status and count")
        }
        for place in stride(from: 0, to: try pairs.count, by: 2) {
            let known = status[try pairs[place].int(in: 0...999)] ?? 0
            status[try pairs[place].int(in: 0...999)] = known + (try pairs[place + 1].int())
        }
    }
}

extension GeneratorHealth {
    func pack(into packer: Packer) {
        packer.field("cpu_s", cpuSeconds)
        packer.field("latest_timer_ns", lag.latestTimer)
        packer.field("longest_job_ns", lag.longestJob)
        packer.field("long_jobs", lag.longJobs)
        packer.field("peak_rss_bytes", peakResidentBytes)
        packer.field("dropped_hits", droppedHits)
        packer.field("orphan_failures", orphanFailures)
        packer.field("overflowed_names", overflowedNames)
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        cpuSeconds = try node.field("cpu_s").double()
        lag.latestTimer = Int64(try node.field("latest_timer_ns").int(in: 0...Int.max))
        lag.longestJob = Int64(try node.field("longest_job_ns").int(in: 0...Int.max))
        lag.longJobs = try node.field("long_jobs").int()
        peakResidentBytes = try node.field("peak_rss_bytes").int(in: 0...Int.max)
        droppedHits = try node.field("dropped_hits").int()
        orphanFailures = try node.field("orphan_failures").int()
        overflowedNames = try node.field("overflowed_names").int()
    }
}

extension Packer {
    func occurrences(_ groups: [String: Occurrences]) {
        for (key, group) in groups.sorted(by: { $0.key < $1.key }) {
            field(key) {
                field("count", group.count)
                field("first_s", group.first)
                field("last_s", group.last)
                field("sample", group.sample)
            }
        }
    }
}

extension Node {
    func occurrences() throws(WireError) -> [String: Occurrences] {
        var groups: [String: Occurrences] = [:]
        try forEachEntry { key, node throws(WireError) in
            let group = Occurrences(
                count: try node.field("count").int(), first: try node.field("first_s").double(),
                last: try node.field("last_s").double(), sample: try node.field("sample").string())
            // Keys that were cut to the same length fall together.
            if groups[key] == nil { groups[key] = group } else { groups[key]!.merge(group) }
        }
        return groups
    }
}
