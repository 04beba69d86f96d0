import LoadsCore
import LoadsEventLoop

extension Statistics {
    /// Writes the fields of statistics into the map that is open.
    func packFields(into packer: Packer) {
        packer.field("iterations") { iterations.pack(into: packer) }
        packer.key("service")
        packer.histogram(service)
        if arrivals != ArrivalCounts() {
            packer.field("arrivals") { arrivals.pack(into: packer) }
        }
        if !response.isEmpty {
            packer.key("response")
            packer.histogram(response)
        }
        if !unscheduled.isEmpty {
            packer.key("unscheduled")
            packer.histogram(unscheduled)
        }
        if !userWait.isEmpty {
            packer.key("user_wait")
            packer.histogram(userWait)
        }
        if !scheduleLag.isEmpty {
            packer.key("schedule_lag")
            packer.histogram(scheduleLag)
        }
        packer.field("names") {
            for (name, statistics) in names.sorted(by: { $0.key < $1.key }) {
                packer.field(name) { statistics.pack(into: packer) }
            }
        }
        packGrouped(into: packer)
        packer.field("errors") { packer.occurrences(errors) }
        packer.field("failures") { packer.occurrences(failures) }
        packer.field("health") { health.pack(into: packer) }
        packer.field("users", users)
        if let warmUp { packer.field("warm_up") { warmUp.packFields(into: packer) } }
    }

    /// - Parameter limit: The largest count.
    init(_ node: Node, limit: Int = WireLimits.count) throws(WireError) {
        let reader = try StatisticsReader(node, limit: limit)
        self = reader.rest
        node.withMessage { reader.mergeNamed(into: &self, $0) }
    }
}

extension IterationCounts {
    func pack(into packer: Packer) {
        packer.field("started", started)
        packer.field("ok", ok)
        packer.field("failed", failed)
        packer.field("skipped", skipped)
        packer.field("interrupted", interrupted)
        if cutOff > 0 { packer.field("cut_off", cutOff) }
    }

    init(_ node: Node, limit: Int = WireLimits.total) throws(WireError) {
        self.init()
        started = try node.field("started").int(in: 0...limit)
        ok = try node.field("ok").int(in: 0...limit)
        failed = try node.field("failed").int(in: 0...limit)
        skipped = try node.field("skipped").int(in: 0...limit)
        interrupted = try node.field("interrupted").int(in: 0...limit)
        cutOff = try node.optional("cut_off")?.int(in: 0...limit) ?? 0
    }
}

extension ArrivalCounts {
    func pack(into packer: Packer) {
        packer.field("planned", planned)
        packer.field("started", started)
        packer.field("dropped", dropped)
        if cancelled > 0 { packer.field("cancelled", cancelled) }
    }

    init(_ node: Node, limit: Int) throws(WireError) {
        self.init(
            planned: try node.field("planned").int(in: 0...limit),
            started: try node.field("started").int(in: 0...limit),
            dropped: try node.field("dropped").int(in: 0...limit),
            cancelled: try node.optional("cancelled")?.int(in: 0...limit) ?? 0)
    }
}

extension NameStatistics {
    func pack(into packer: Packer) {
        packer.field("count", count)
        packer.field("failed", failed)
        if cancelled > 0 { packer.field("cancelled", cancelled) }
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
}

extension GeneratorHealth {
    func pack(into packer: Packer) {
        packer.field("cpu_s", cpuSeconds)
        packer.field("latest_timer_ns", lag.latestTimer)
        packer.field("longest_job_ns", lag.longestJob)
        packer.field("long_jobs", lag.longJobs)
        packer.field("waited_ns", lag.waited)
        if lag.held > 0 { packer.field("held_ns", lag.held) }
        if !lag.holders.isEmpty {
            packer.field("holders") {
                for (name, hold) in lag.holders.sorted(by: { $0.key < $1.key }) {
                    packer.field(name) {
                        packer.field("count", hold.count)
                        packer.field("longest_ns", hold.longest)
                    }
                }
            }
        }
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
        // Less than a year on 1,000 loops, so that sums of many do not overflow.
        lag.waited = Int64(try node.optional("waited_ns")?.int(in: 0...1 << 55) ?? 0)
        lag.held = Int64(try node.optional("held_ns")?.int(in: 0...1 << 55) ?? 0)
        var holders: [String: LoopHold] = [:]
        try node.optional("holders")?.forEachEntry { name, node throws(WireError) in
            holders.add(
                LoopHold(
                    count: try node.field("count").int(),
                    longest: Int64(try node.field("longest_ns").int(in: 0...Int.max))),
                to: name)
        }
        lag.holders = holders
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
    func occurrences(limit: Int) throws(WireError) -> [String: Occurrences] {
        var groups: [String: Occurrences] = [:]
        try forEachEntry { key, node throws(WireError) in
            let group = Occurrences(
                count: try node.field("count").int(in: 0...limit), first: try node.field("first_s").double(),
                last: try node.field("last_s").double(), sample: try node.field("sample").string())
            // Keys that were cut to the same length fall together.
            if groups[key] == nil { groups[key] = group } else { groups[key]!.merge(group) }
        }
        return groups
    }
}
