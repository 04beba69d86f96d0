import LoadsCore
import LoadsEventLoop

extension Plan {
    func pack(into packer: Packer) {
        model.pack(into: packer)
        packer.field("pause_ns", pause.wholeNanoseconds)
        packer.field("ramp_up_ns", rampUp.wholeNanoseconds)
        // Of a distribution the mean, for runners that know no other.
        packer.field("think_ns", think.mean.wholeNanoseconds)
        if think != .constant(think.mean) {
            packer.field("think") {
                packer.field("kind", think.kind)
                packer.key("ns")
                packer.array(think.parameters.count)
                for time in think.parameters { packer.int(time.wholeNanoseconds) }
            }
        }
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
    }

    init(_ node: Node) throws(WireError) {
        self.init(model: try LoadModel(node))
        if let node = try node.optional("pause_ns") { pause = try node.duration() }
        if let node = try node.optional("ramp_up_ns") { rampUp = try node.duration() }
        if let node = try node.optional("think_ns") { think = .constant(try node.duration()) }
        if let node = try node.optional("think") {
            let times = try node.field("ns").list { node throws(WireError) in try node.duration() }
            guard let time = ThinkTime(kind: try node.field("kind").string(), parameters: times) else {
                throw .field("think", "constant, uniform, normal or exponential, with its times")
            }
            think = time
        }
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
        if let node = try node.optional("first_user") { firstUser = try node.int(in: 0...1_000_000_000) }
        if let node = try node.optional("seed") { seed = try node.int(in: 0...Plan.seedLimit) }
        if let node = try node.optional("part") {
            part.count = try node.field("count").int(in: 1...1_000_000)
            part.index = try node.field("index").int(in: 0...part.count - 1)
        }
    }
}
