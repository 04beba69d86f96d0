import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// SIGTERM.
    static let departure: [Check] = [
        Check("it says goodbye when it is told to end", chapter: "goodbye") { stage in
            try await stage.welcomed()
            stage.agent.signal(SIGTERM)
            try await stage.goodbye()
        },
        Check(
            "told to end with results to deliver, it says in a beat that it takes no other run", chapter: "goodbye",
            rules: Rules(acknowledges: false)
        ) { stage in
            try await stage.order("hits", ["3"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            let place = await stage.place
            stage.agent.signal(SIGTERM)
            try await stage.hear("a beat with `leaving`", since: place) { message -> Bool? in
                if case .beat(let beat) = message, beat.isLeaving { true } else { nil }
            }
            await stage.master.change { $0.acknowledges = true }
            await stage.master.acknowledge(Stage.run)
            try await stage.goodbye()
        },
        Check("told to end, it stops its runners and hands over what there is", chapter: "An agent in ten steps") {
            stage in
            try await stage.order("obey")
            try await stage.start()
            let process = try await stage.note("process ")
            stage.agent.signal(SIGTERM)
            try await stage.goodbye()
            guard let number = pid_t(process) else { return }
            for _ in 0..<500 where kill(number, 0) == 0 { try await stage.pause(.milliseconds(10)) }
            guard kill(number, 0) != 0 else { throw Deviation(expected: "the program's end", came: "it runs on") }
            guard case .ended? = try await stage.sequence().last?.message.content else {
                throw Deviation(expected: "`ended` before the goodbye", came: await stage.master.summary)
            }
        },
    ]
}

extension Stage {
    /// Waits for the goodbye and the agent's end.
    func goodbye() async throws {
        let deadline = Instant.now.advanced(by: .seconds(40))
        while agent.exitStatus == nil {
            guard Instant.now < deadline else {
                throw Deviation(expected: "its end within 40 s of SIGTERM", came: await master.summary)
            }
            try await pause(.milliseconds(5))
        }
        guard agent.exitStatus == 0 else {
            throw Deviation(expected: "exit code 0", came: "\(agent.exitStatus ?? -1); \(agent.lastWords)")
        }
        // What it sent last may still be on its way.
        for _ in 0..<400 {
            if await master.heard.contains(where: { if case .goodbye = $0.message { true } else { false } }) { return }
            try await pause(.milliseconds(5))
        }
        throw Deviation(expected: "a goodbye", came: await master.summary)
    }
}
