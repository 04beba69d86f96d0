import LoadsCore
import LoadsEventLoop

extension Plan {
    func pack(into packer: Packer) {
        packer.field("cycles", each: cycles) { cycle in
            packer.field("users", cycle.users)
            switch cycle.amount {
            case .iterations(let count): packer.field("iterations", count)
            case .duration(let duration): packer.field("duration_ns", duration.wholeNanoseconds)
            }
        }
        packer.field("pause_ns", pause.wholeNanoseconds)
        packer.field("ramp_up_ns", rampUp.wholeNanoseconds)
        packer.field("think_ns", think.wholeNanoseconds)
        packer.field("grace_ns", grace.wholeNanoseconds)
        packer.field("new_connections", newConnections)
        packer.field("threads", threads)
        if let loops { packer.field("loops", loops) }
        if let timeout { packer.field("timeout_ns", timeout.wholeNanoseconds) }
        if let serverURL { packer.field("server_url", serverURL) }
        packer.field("max_names", maxNames)
        packer.field("raw_hits", rawHits)
        packer.field("first_user", firstUser)
    }

    init(_ node: Node) throws(WireError) {
        let list = try node.field("cycles")
        guard (1...10_000).contains(try list.count) else { throw .field("cycles", "1 to 10,000 cycles") }
        var cycles: [Cycle] = []
        try list.eachElement { node throws(WireError) in
            let users = try node.field("users").users()
            if let iterations = try node.optional("iterations") {
                cycles.append(Cycle(users: users, amount: .iterations(try iterations.int())))
            } else {
                cycles.append(Cycle(users: users, amount: .duration(try node.field("duration_ns").duration())))
            }
        }
        self.init(cycles: cycles)
        if let node = try node.optional("pause_ns") { pause = try node.duration() }
        if let node = try node.optional("ramp_up_ns") { rampUp = try node.duration() }
        if let node = try node.optional("think_ns") { think = try node.duration() }
        if let node = try node.optional("grace_ns") { grace = try node.duration() }
        if let node = try node.optional("new_connections") { newConnections = try node.bool() }
        if let node = try node.optional("threads") { threads = try node.bool() }
        if let node = try node.optional("loops") { loops = try node.int(in: 1...Plan.loopLimit) }
        if let node = try node.optional("timeout_ns") { timeout = try node.duration() }
        if let node = try node.optional("server_url") { serverURL = try node.string() }
        if let node = try node.optional("max_names") { maxNames = try node.int(in: 1...1_000_000) }
        if let node = try node.optional("raw_hits") { rawHits = try node.bool() }
        if let node = try node.optional("first_user") { firstUser = try node.int(in: 0...1_000_000_000) }
    }
}
