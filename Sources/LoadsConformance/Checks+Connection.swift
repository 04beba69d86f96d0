import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// Hello, lease, clocks.
    static let connection: [Check] = [
        Check("a hello comes first", chapter: "hello") { stage in
            let hello = try await stage.hello()
            guard case .hello? = await stage.master.heard.first?.message else {
                throw Deviation(expected: "a hello as the first message", came: await stage.master.summary)
            }
            guard WireLimits.isIdentifier(hello.agent), !hello.dialects.isEmpty else {
                throw Deviation(expected: "an identity and a dialect", came: "\(hello)")
            }
        },
        Check(
            "the hello is said again until it is answered", chapter: "hello", rules: Rules(welcomes: false)
        ) { stage in
            try await stage.hear("a second hello", count: 2) { if case .hello = $0 { true } else { nil } }
            guard await !stage.master.heard.contains(where: { if case .beat = $0.message { true } else { false } })
            else {
                throw Deviation(expected: "no beat before the welcome", came: "a beat")
            }
            await stage.master.change { $0.welcomes = true }
            try await stage.welcomed()
        },
        Check(
            "a welcome of another version is not taken for one", chapter: "Messages", rules: Rules(welcomes: false)
        ) { stage in
            try await stage.hello()
            var welcome = await stage.master.welcome().encoded()
            // A map's head, then the key `v` and its value, 1.
            guard welcome[1...3].elementsEqual([0xa1, UInt8(ascii: "v"), 1]) else { return }
            welcome[3] = 2
            let place = await stage.place
            await stage.master.say(bytes: welcome)
            try await stage.hear("another hello, or an error `version`", since: place) { message -> Bool? in
                switch message {
                case .hello: true
                case .error(let fault): fault.code == "version" ? true : nil
                default: nil
                }
            }
            await stage.master.change { $0.welcomes = true }
            try await stage.welcomed()
        },
        Check("beats come at the cadence of the welcome", chapter: "The lease") { stage in
            // Eight fast ones are a new connection's; then five a second, of which two thirds may be late.
            try await stage.hear("10 beats", count: 10) { if case .beat = $0 { true } else { nil } }
            let before = await stage.place
            try await stage.pause(.seconds(3))
            let count = await stage.master.heard.dropFirst(before).filter {
                if case .beat = $0.message { true } else { false }
            }.count
            guard (5...30).contains(count) else {
                throw Deviation(expected: "about 15 beats in 3 s, with beat_ns of 200 ms", came: "\(count)")
            }
        },
        Check("a beat echoes the welcome, which proves the hello", chapter: "The lease") { stage in
            // No lease is said: there is nothing else to echo.
            await stage.master.change { $0.leases = false }
            let echo = try await stage.hear("a beat with an echo") { message -> AgentBeat.Echo? in
                if case .beat(let beat) = message { beat.echo } else { nil }
            }
            let welcomes = await stage.master.welcomes
            guard welcomes.contains(echo.masterSent) else {
                throw Deviation(expected: "the welcome's sent_ns, \(welcomes), in its echo", came: "\(echo.masterSent)")
            }
        },
        Check("a beat echoes the last lease, once", chapter: "The clocks") { stage in
            try await stage.hear("5 beats with an echo", count: 5) { message -> Bool? in
                if case .beat(let beat) = message, beat.echo != nil { true } else { nil }
            }
            var seen: Set<Int64> = []
            for entry in await stage.master.heard {
                guard case .beat(let beat) = entry.message, let echo = beat.echo else { continue }
                guard echo.received <= beat.sent else {
                    throw Deviation(
                        expected: "received_ns before the beat's sent_ns", came: "\(echo.received) and \(beat.sent)")
                }
                guard echo.masterSent <= entry.at.nanoseconds else {
                    throw Deviation(expected: "the master's own sent_ns in the echo", came: "\(echo.masterSent)")
                }
                guard seen.insert(echo.masterSent).inserted else {
                    throw Deviation(expected: "each lease echoed once", came: "\(echo.masterSent) twice")
                }
            }
        },
        Check(
            "a silent master is greeted again", chapter: "The lease", rules: Rules(lease: 1_000_000_000)
        ) { stage in
            try await stage.welcomed()
            let place = await stage.place
            await stage.master.change { $0.leases = false }
            try await stage.hello(since: place)
            await stage.master.change { $0.leases = true }
            let again = await stage.place
            try await stage.hear("a beat after the second welcome", since: again) {
                if case .beat = $0 { true } else { nil }
            }
        },
        Check("`not-welcome` is answered with a hello", chapter: "The lease") { stage in
            try await stage.welcomed()
            let place = await stage.place
            await stage.master.say(.error(WireFault(code: "not-welcome", message: "say hello first")))
            try await stage.hello(since: place)
        },
        Check("a restarted master is found again", chapter: "An agent's life") { stage in
            let first = try await stage.hello()
            try await stage.welcomed()
            let place = await stage.place
            try await stage.master.restart(after: .milliseconds(500))
            let second = try await stage.hello(since: place)
            guard first.agent == second.agent, first.epoch == second.epoch else {
                throw Deviation(
                    expected: "the same agent \(first.agent) and epoch \(first.epoch)",
                    came: "\(second.agent) and \(second.epoch)")
            }
            try await stage.hear("a beat for the new master", since: place) { if case .beat = $0 { true } else { nil } }
        },
    ]
}

extension Rules {
    init(welcomes: Bool) {
        self.init()
        self.welcomes = welcomes
    }

    init(lease: Int64) {
        self.init()
        self.lease = lease
    }

    init(batchInterval: Int64) {
        self.init()
        self.batchInterval = batchInterval
    }

    init(acknowledges: Bool) {
        self.init()
        self.acknowledges = acknowledges
    }
}
