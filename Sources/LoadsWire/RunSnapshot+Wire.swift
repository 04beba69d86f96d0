import LoadsCore

extension RunSnapshot {
    /// Adds a further part of the same snapshot: its statistics and agents.
    public mutating func merge(_ part: RunSnapshot) {
        statistics.merge(part.statistics)
        agents += part.agents
        more = part.more
    }

    /// The snapshot in pieces that each fit into a message. The first one has the agents.
    func parts() -> [RunSnapshot] {
        let pieces = Batch(statistics: statistics).parts()
        return pieces.indices.map { index in
            var part = self
            part.statistics = pieces[index].statistics
            if index > 0 { part.agents = [] }
            part.more = index < pieces.count - 1
            return part
        }
    }

    func pack(into packer: Packer) {
        packer.field("boot", boot)
        packer.field("submission") { submission.pack(into: packer) }
        state.pack(into: packer)
        if let startedAt { packer.field("started_at_s", startedAt) }
        packer.field("elapsed_s", elapsed)
        packer.field("interrupted", interrupted)
        packer.field("sequences") {
            for (topic, sequence) in sequences.sorted(by: { $0.key < $1.key }) { packer.field(topic, sequence) }
        }
        packer.field("statistics") { statistics.packFields(into: packer) }
        packer.field("agents", each: agents) { $0.pack(into: packer) }
        if let crash { packer.field("crash") { crash.pack(into: packer) } }
        if let waitsFor { packer.field("waits_for", waitsFor) }
        if let stopped { packer.field("stopped", stopped) }
        if !changes.isEmpty {
            packer.field("changes", each: changes) { change in
                packer.field("at_s", change.at)
                packer.field("users", change.users)
                if let rate = change.rate { packer.field("rate_uph", rate.microPerHour) }
            }
        }
        if !thresholds.isEmpty { packer.field("thresholds", thresholds) }
        if let tearDownFailure { packer.field("tear_down_failure", tearDownFailure) }
        packer.field("more", more)
    }

    init(_ node: Node) throws(WireError) {
        var sequences: [String: UInt64] = [:]
        try node.field("sequences").forEachEntry(limit: 64) { topic, node throws(WireError) in
            sequences[topic] = try node.sequence(from: 0)
        }
        self.init(
            boot: try node.field("boot").nonce(), submission: try RunSubmission(node.field("submission")),
            state: try RunState(node), startedAt: try node.optional("started_at_s")?.double(),
            elapsed: try node.field("elapsed_s").double(), interrupted: try node.field("interrupted").bool(),
            sequences: sequences, statistics: try Statistics(node.field("statistics"), limit: WireLimits.total),
            agents: try node.field("agents").list { node throws(WireError) in try AgentShare(node) },
            crash: try node.optional("crash").map { node throws(WireError) in try RunnerCrash(node) },
            thresholds: try node.optional("thresholds")?.thresholdResults() ?? [],
            more: try node.field("more").bool())
        waitsFor = try node.optional("waits_for")?.text()
        stopped = try node.optional("stopped")?.text()
        changes =
            try node.optional("changes")?.list { node throws(WireError) in
                try UserChange(node)
            } ?? []
        tearDownFailure = try node.optional("tear_down_failure")?.text()
    }
}

extension UserChange {
    fileprivate init(_ node: Node) throws(WireError) {
        self.init(at: try node.field("at_s").double(), users: try node.field("users").users())
        if let node = try node.optional("rate_uph") { rate = try node.rate() }
    }
}

extension AgentShare {
    fileprivate func pack(into packer: Packer) {
        packer.field("id", id)
        packer.field("name", name)
        packer.field("users", users)
        packer.field("hits", hits)
        packer.field("iterations") { iterations.pack(into: packer) }
        packer.field("state", state.rawValue)
        if droppedHits > 0 { packer.field("dropped_hits", droppedHits) }
        if let missing { packer.field("missing") { missing.pack(into: packer) } }
        if let startSkew { packer.field("start_skew_s", startSkew) }
        if let clockError { packer.field("clock_error_s", clockError) }
        guard let usage else { return }
        packer.field("usage") {
            packer.field("cores", usage.cores)
            packer.field("seconds", usage.seconds)
            packer.field("cpu_s", usage.cpuSeconds)
            packer.field("waited_s", usage.waitedSeconds)
            if usage.heldSeconds > 0 { packer.field("held_s", usage.heldSeconds) }
        }
    }

    fileprivate init(_ node: Node) throws(WireError) {
        self.init(
            id: try node.field("id").identifier(), name: try node.field("name").text(256),
            users: try node.field("users").users())
        hits = try node.field("hits").total()
        iterations = try IterationCounts(node.field("iterations"))
        state = try node.field("state").choice()
        droppedHits = try node.optional("dropped_hits")?.total() ?? 0
        missing = try node.optional("missing").map { node throws(WireError) in try Missing(node) }
        startSkew = try node.optional("start_skew_s")?.number()
        clockError = try node.optional("clock_error_s")?.double()
        usage = try node.optional("usage").map { node throws(WireError) in
            Usage(
                cores: try node.field("cores").int(in: 1...65_536), seconds: try node.field("seconds").double(),
                cpuSeconds: try node.field("cpu_s").double(), waitedSeconds: try node.field("waited_s").double(),
                heldSeconds: try node.optional("held_s")?.double() ?? 0)
        }
    }
}

extension AgentShare.Missing {
    fileprivate func pack(into packer: Packer) {
        packer.field("from_s", from)
        if let to { packer.field("to_s", to) }
        if let hits { packer.field("hits", hits) }
        packer.field("reason", reason)
    }

    fileprivate init(_ node: Node) throws(WireError) {
        self.init(
            from: try node.field("from_s").double(), to: try node.optional("to_s")?.double(),
            hits: try node.optional("hits")?.total(), reason: try node.field("reason").text())
    }
}
