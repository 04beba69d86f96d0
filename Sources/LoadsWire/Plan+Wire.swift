import LoadsCore
import LoadsEventLoop

extension Plan {
    func pack(into packer: Packer) {
        model.pack(into: packer)
        packer.field("pause_ns", pause.wholeNanoseconds)
        packer.field("ramp_up_ns", rampUp.wholeNanoseconds)
        packer.think(think)
        if pacing > .zero { packer.field("pacing_ns", pacing.wholeNanoseconds) }
        if warmUp > .zero { packer.field("warm_up_ns", warmUp.wholeNanoseconds) }
        if precise { packer.field("precise", precise) }
        packer.field("grace_ns", grace.wholeNanoseconds)
        packer.field("new_connections", newConnections)
        packer.field("threads", threads)
        if let loops { packer.field("loops", loops) }
        if let timeout { packer.field("timeout_ns", timeout.wholeNanoseconds) }
        if let serverURL { packer.field("server_url", serverURL) }
        packer.field("max_names", maxNames)
        packer.field("raw_hits", rawHits)
        packer.field("first_user", firstUser)
        packer.field("seed", seed)
        packer.field("part") {
            packer.field("index", part.index)
            packer.field("count", part.count)
        }
        if !weights.isEmpty {
            packer.field("weights") {
                for (name, weight) in weights.sorted(by: { $0.key < $1.key }) { packer.field(name, weight) }
            }
        }
    }

    init(_ node: Node) throws(WireError) {
        self.init(model: try LoadModel(node))
        if let node = try node.optional("pause_ns") { pause = try node.duration() }
        if let node = try node.optional("ramp_up_ns") { rampUp = try node.duration() }
        think = try node.thinkTime()
        if let node = try node.optional("pacing_ns") { pacing = try node.duration() }
        if let node = try node.optional("warm_up_ns") { warmUp = try node.duration() }
        if let node = try node.optional("precise") { precise = try node.bool() }
        if let node = try node.optional("grace_ns") { grace = try node.duration() }
        if let node = try node.optional("new_connections") { newConnections = try node.bool() }
        if let node = try node.optional("threads") { threads = try node.bool() }
        if let node = try node.optional("loops") { loops = try node.int(in: 1...Plan.loopLimit) }
        if let node = try node.optional("timeout_ns") { timeout = try node.duration() }
        if let node = try node.optional("server_url") { serverURL = try node.string() }
        if let node = try node.optional("max_names") { maxNames = try node.int(in: 1...1_000_000) }
        if let node = try node.optional("raw_hits") { rawHits = try node.bool() }
        var weights: [String: Int] = [:]
        try node.optional("weights")?.forEachEntry { name, node throws(WireError) in
            weights[name] = try node.int(in: 1...1_000_000)
        }
        self.weights = weights
        if let node = try node.optional("first_user") { firstUser = try node.int(in: 0...1_000_000_000) }
        if let node = try node.optional("seed") { seed = try node.int(in: 0...Plan.seedLimit) }
        if let node = try node.optional("part") {
            part.count = try node.field("count").int(in: 1...1_000_000)
            part.index = try node.field("index").int(in: 0...part.count - 1)
        }
    }
}
