import LoadsCore
import LoadsEventLoop

extension Plan {
    func write(_ json: inout JSONWriter) {
        model.write(&json)
        for (key, duration) in [
            ("pause_s", pause), ("ramp_up_s", rampUp), ("think_s", think.mean), ("pacing_s", pacing),
            ("warm_up_s", warmUp), ("grace_s", grace),
        ] as [(StaticString, Duration)] {
            json.key(key)
            json.value(duration.inSeconds, decimals: 3)
        }
        json.key("think")
        json.value(think.text)
        json.key("precise")
        json.value(precise)
        json.key("timeout_s")
        json.value(timeout?.inSeconds, decimals: 3)
        json.key("server_url")
        json.value(serverURL)
        json.key("new_connections")
        json.value(newConnections)
        json.key("threads")
        json.value(threads)
        json.key("loops")
        json.value(loops)
        json.key("max_names")
        json.value(maxNames)
        json.key("seed")
        json.value(seed)
        // A weight of 1 is what a scenario has that is not among them.
        guard weights.values.contains(where: { $0 != 1 }) else { return }
        json.object("weights") { json in
            for (name, weight) in weights.sorted(by: { $0.key < $1.key }) {
                json.key(escaping: name)
                json.value(weight)
            }
        }
    }
}

extension MixPart {
    fileprivate func write(_ json: inout JSONWriter) {
        json.array("scenarios") { json in for name in scenarios { json.value(name) } }
        json.key("start_s")
        json.value(start.inSeconds, decimals: 3)
        json.key("think")
        json.value(think.text)
        for (key, duration) in [("pacing_s", pacing), ("pause_s", pause), ("ramp_up_s", rampUp)]
            as [(StaticString, Duration)]
        {
            json.key(key)
            json.value(duration.inSeconds, decimals: 3)
        }
        model.write(&json)
    }
}

extension LoadModel {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("model")
        switch self {
        case .cycles(let cycles):
            json.value("cycles")
            json.array("cycles") { json in
                for cycle in cycles {
                    json.object { json in
                        json.key("users")
                        json.value(cycle.users)
                        switch cycle.amount {
                        case .iterations(let count):
                            json.key("iterations")
                            json.value(count)
                        case .duration(let duration):
                            json.key("duration_s")
                            json.value(duration.inSeconds, decimals: 3)
                        }
                    }
                }
            }
        case .users(let users):
            json.value("users")
            json.array("stages") { json in
                for stage in users.stages {
                    json.object { json in
                        json.key("duration_s")
                        json.value(stage.duration.inSeconds, decimals: 3)
                        json.key("users")
                        json.value(stage.users)
                    }
                }
            }
        case .arrivals(let arrivals):
            json.value("arrivals")
            json.array("stages") { json in
                for stage in arrivals.stages {
                    json.object { json in
                        json.key("duration_s")
                        json.value(stage.duration.inSeconds, decimals: 3)
                        json.key("rate")
                        json.value(stage.rate.text)
                    }
                }
            }
            json.key("max_users")
            json.value(arrivals.maxUsers)
            json.key("queue")
            json.value(arrivals.queue)
            json.key("poisson")
            json.value(arrivals.poisson)
        case .mix(let parts):
            json.value("mix")
            json.array("parts") { json in for part in parts { json.object { part.write(&$0) } } }
        }
    }
}
