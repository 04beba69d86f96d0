import LoadsCore

extension ThresholdResult {
    func pack(into packer: Packer) {
        packer.field("expression", expression)
        packer.field("state", state.rawValue)
        if let doubt { packer.field("doubt", doubt.rawValue) }
        if let actual { packer.field("actual", actual) }
        packer.field("samples", samples)
        packer.field("windows", windows)
        packer.field("broken_windows", brokenWindows)
        if let windowEnd { packer.field("window_end_s", windowEnd) }
        if let breachedAt { packer.field("breached_at_s", breachedAt) }
        packer.field("provisional", provisional)
        packer.field("aborted", aborted)
        packer.field("late_samples", lateSamples)
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            threshold: try node.field("expression").threshold(), state: try node.field("state").choice(),
            doubt: try node.optional("doubt").map { node throws(WireError) in try node.choice() },
            actual: try node.optional("actual")?.number(), samples: try node.field("samples").total(),
            windowEnd: try node.optional("window_end_s")?.total(), windows: try node.field("windows").total(),
            brokenWindows: try node.field("broken_windows").total(),
            breachedAt: try node.optional("breached_at_s")?.total(),
            provisional: try node.field("provisional").bool(), aborted: try node.field("aborted").bool(),
            lateSamples: try node.field("late_samples").total())
    }
}

extension Packer {
    func field(_ key: String, _ thresholds: [Threshold]) { field(key, thresholds.map(\.expression)) }

    func field(_ key: String, _ results: [ThresholdResult]) { field(key, each: results) { $0.pack(into: self) } }
}

extension Node {
    /// An expression.
    func threshold() throws(WireError) -> Threshold {
        do {
            return try Threshold(string())
        } catch let error as ThresholdSyntaxError {
            throw WireError(code: .field, message: "message field \(name): \(error)")
        } catch {
            throw error as! WireError
        }
    }

    func thresholds() throws(WireError) -> [Threshold] {
        try limitThresholds()
        return try list { node throws(WireError) in try node.threshold() }
    }

    func thresholdResults() throws(WireError) -> [ThresholdResult] {
        try limitThresholds()
        return try list { node throws(WireError) in try ThresholdResult(node) }
    }

    private func limitThresholds() throws(WireError) {
        guard try count <= Threshold.countLimit else {
            throw .field("thresholds", "at most \(Threshold.countLimit) thresholds")
        }
    }
}
