import LoadsCore

extension RunSubmission {
    func pack(into packer: Packer) {
        packer.field("run", run)
        packer.field("target", target)
        packer.field("is_url", isURLTarget)
        packer.field("launch") { launch.pack(into: packer) }
        packer.field("order") { order.pack(into: packer) }
        packer.field("placement") { placement.pack(into: packer) }
        packer.field("keep_hits", keepHits)
        if !thresholds.isEmpty { packer.field("thresholds", thresholds) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            run: try node.field("run").identifier(), target: try node.field("target").text(),
            isURLTarget: try node.field("is_url").bool(), launch: try RunnerLaunch(node.field("launch")),
            order: try RunnerOrder(node.field("order")))
        if let node = try node.optional("placement") { placement = try Placement(node) }
        if let node = try node.optional("keep_hits") { keepHits = try node.bool() }
        if let node = try node.optional("thresholds") { thresholds = try node.thresholds() }
    }
}

extension Placement {
    func pack(into packer: Packer) {
        if let agents { packer.field("agents", agents) }
        packer.field("labels", labels)
        packer.field("weighted", weighted)
        packer.field("on_lost", onLost.rawValue)
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        if let node = try node.optional("agents") { agents = try node.int(in: 1...1_000_000) }
        if let node = try node.optional("labels") { labels = try node.labels() }
        if let node = try node.optional("weighted") { weighted = try node.bool() }
        if let node = try node.optional("on_lost") { onLost = try node.choice() }
    }
}
