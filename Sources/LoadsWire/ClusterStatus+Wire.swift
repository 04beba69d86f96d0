import LoadsCore

extension ClusterStatus {
    /// Adds a further part of the same status.
    public mutating func merge(_ part: ClusterStatus) {
        agents += part.agents
        runs += part.runs
        more = part.more
    }

    /// The status in pieces that each fit into a message.
    ///
    /// - Parameter budget: About how many bytes a piece may take; below ``WireLimits/messageBytes`` with room to spare.
    func parts(budget: Int = 1 << 20) -> [ClusterStatus] {
        var parts: [ClusterStatus] = []
        var part = ClusterStatus(boot: boot, agents: [], runs: [], more: true)
        var used = 0
        func make(room needed: Int) {
            if used > 0, used + needed > budget {
                parts.append(part)
                part = ClusterStatus(boot: boot, agents: [], runs: [], more: true)
                used = 0
            }
            used += needed
        }
        for agent in agents {
            make(room: agent.wireSize)
            part.agents.append(agent)
        }
        for run in runs {
            make(room: run.wireSize)
            part.runs.append(run)
        }
        part.more = false
        return parts + [part]
    }

    func pack(into packer: Packer) {
        packer.field("boot", boot)
        packer.field("agents", each: agents) { $0.pack(into: packer) }
        packer.field("runs", each: runs) { $0.pack(into: packer) }
        if more { packer.field("more", more) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            boot: try node.field("boot").nonce(),
            agents: try node.field("agents").list { node throws(WireError) in try AgentStatus(node) },
            runs: try node.field("runs").list { node throws(WireError) in try RunStatus(node) },
            more: try node.optional("more")?.bool() ?? false)
    }
}

extension ClusterStatus.AgentStatus {
    /// About as many bytes as it takes, rather too many.
    fileprivate var wireSize: Int {
        let texts = [hello.name, hello.software, hello.platform.library] + hello.builtIn
        return 1024 + texts.reduce(0) { $0 + $1.utf8.count } + hello.runs.count * 128
            + hello.labels.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 8 }
    }
}

extension ClusterStatus.RunStatus {
    /// About as many bytes as it takes, rather too many.
    fileprivate var wireSize: Int {
        var size = 512 + target.utf8.count + (waitsFor?.utf8.count ?? 0)
        if case .refused(_, let message) = state { size += message.utf8.count }
        return size
    }
}

extension ClusterStatus.AgentStatus {
    fileprivate func pack(into packer: Packer) {
        packer.field("hello") { hello.pack(into: packer) }
        packer.field("state", state.rawValue)
        packer.field("silence_s", silence)
        packer.field("usage") { usage.pack(into: packer) }
        if let roundTrip { packer.field("round_trip_s", roundTrip) }
        if let run { packer.field("run", run) }
    }

    fileprivate init(_ node: Node) throws(WireError) {
        self.init(
            hello: try AgentHello(node.field("hello")), state: try node.field("state").choice(),
            silence: try node.field("silence_s").double(), usage: try HostUsage(node.field("usage")),
            roundTrip: try node.optional("round_trip_s")?.double(), run: try node.optional("run")?.identifier())
    }
}

extension ClusterStatus.RunStatus {
    fileprivate func pack(into packer: Packer) {
        packer.field("run", run)
        packer.field("target", target)
        state.pack(into: packer)
        if let startedAt { packer.field("started_at_s", startedAt) }
        packer.field("elapsed_s", elapsed)
        packer.field("users", users)
        packer.field("iterations") { iterations.pack(into: packer) }
        packer.field("hits", hits)
        packer.field("failed_hits", failedHits)
        if let outcome { packer.field("outcome", outcome.rawValue) }
        if let waitsFor { packer.field("waits_for", waitsFor) }
    }

    fileprivate init(_ node: Node) throws(WireError) {
        self.init(
            run: try node.field("run").identifier(), target: try node.field("target").text(),
            state: try RunState(node), startedAt: try node.optional("started_at_s")?.double(),
            elapsed: try node.field("elapsed_s").double(), users: try node.field("users").total(),
            iterations: try IterationCounts(node.field("iterations")), hits: try node.field("hits").total(),
            failedHits: try node.field("failed_hits").total(),
            outcome: try node.optional("outcome").map { node throws(WireError) in try node.choice() },
            waitsFor: try node.optional("waits_for")?.text())
    }
}

extension RunState {
    /// Writes the field `state` and, of a refused run, `code` and `message`.
    func pack(into packer: Packer) {
        switch self {
        case .queued: packer.field("state", "queued")
        case .preparing: packer.field("state", "preparing")
        case .running: packer.field("state", "running")
        case .stopping: packer.field("state", "stopping")
        case .ended: packer.field("state", "ended")
        case .refused(let code, let message):
            packer.field("state", "refused")
            packer.field("code", code)
            packer.field("message", message)
        }
    }

    init(_ node: Node) throws(WireError) {
        switch try node.field("state").string() {
        case "queued": self = .queued
        case "preparing": self = .preparing
        case "running": self = .running
        case "stopping": self = .stopping
        case "ended": self = .ended
        case "refused":
            self = .refused(code: try node.field("code").int(in: 1...255), message: try node.field("message").text())
        case let state: throw .unknown(state, "state of a run")
        }
    }
}
