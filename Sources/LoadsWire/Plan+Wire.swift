import LoadsCore
import LoadsEventLoop

extension Plan {
    var wire: WireValue {
        var fields: [String: WireValue] = [
            "cycles": .array(
                cycles.map { cycle in
                    switch cycle.amount {
                    case .iterations(let count):
                        .map(["users": .int(Int64(cycle.users)), "iterations": .int(Int64(count))])
                    case .duration(let length):
                        .map(["users": .int(Int64(cycle.users)), "duration_ns": .int(length.wholeNanoseconds)])
                    }
                }),
            "pause_ns": .int(pause.wholeNanoseconds), "ramp_up_ns": .int(rampUp.wholeNanoseconds),
            "think_ns": .int(think.wholeNanoseconds), "grace_ns": .int(grace.wholeNanoseconds),
            "new_connections": .bool(newConnections), "threads": .bool(threads), "max_names": .int(Int64(maxNames)),
            "raw_hits": .bool(rawHits), "first_user": .int(Int64(firstUser)),
        ]
        if let loops { fields["loops"] = .int(Int64(loops)) }
        if let timeout { fields["timeout_ns"] = .int(timeout.wholeNanoseconds) }
        if let serverURL { fields["server_url"] = .string(serverURL) }
        return .map(fields)
    }

    init(_ map: WireMap) throws(WireError) {
        var cycles: [Cycle] = []
        for value in try map.array("cycles") {
            let cycle = try WireMap(value, map.place("cycles"))
            let amount: Amount =
                cycle.has("iterations")
                ? .iterations(try cycle.count("iterations")) : .duration(try cycle.duration("duration_ns"))
            let users = try cycle.count("users")
            guard users <= 10_000_000 else { throw WireError("\(map.place("cycles")).users: more than 10,000,000") }
            cycles.append(Cycle(users: users, amount: amount))
        }
        self.init(cycles: cycles)
        pause = try map.duration("pause_ns")
        rampUp = try map.duration("ramp_up_ns")
        think = try map.duration("think_ns")
        grace = try map.duration("grace_ns")
        newConnections = try map.bool("new_connections")
        threads = try map.bool("threads")
        maxNames = try map.count("max_names")
        rawHits = try map.bool("raw_hits")
        firstUser = try map.count("first_user")
        if map.has("loops") { loops = try map.count("loops") }
        if map.has("timeout_ns") { timeout = try map.duration("timeout_ns") }
        serverURL = try map.optionalString("server_url")
    }
}
