import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// Killed and started again, with a data directory.
    static let restart: [Check] = [
        Check(
            "killed and started again, it delivers what was not acknowledged", chapter: "An agent that was killed",
            rules: Rules(acknowledges: false), data: true
        ) { stage in
            let (first, last) = try await stage.hitsOnDisk()
            await stage.master.acknowledge(Stage.run, upTo: 2)
            let second = try await stage.restarted(after: first)
            let held = try second.held(atLeast: last)
            try await stage.expect("results 3 to \(held.sequence), those that had come a second time") { master in
                let numbers = master.results.map(\.message.sequence)
                return numbers.count { $0 == 3 } > 1 && numbers.contains(held.sequence) ? true : nil
            }
            await stage.master.change { $0.acknowledges = true }
            await stage.master.acknowledge(Stage.run)
            let end = try await stage.end()
            guard case .crashed = end else {
                throw Deviation(expected: "ended: crashed, with its agent", came: "\(end)")
            }
            // Without a gap, and what came twice with the same bytes.
            _ = try await stage.sequence()
            try await stage.forgotten()
        },
        Check(
            "the end of a killed run is numbered behind what the master has", chapter: "An agent that was killed",
            rules: Rules(acknowledges: false), data: true
        ) { stage in
            let (first, last) = try await stage.hitsOnDisk()
            let held = try await stage.restarted(after: first).held(atLeast: last)
            try await stage.expect("result \(held.sequence)") { master in
                master.results.contains { $0.message.sequence == held.sequence } ? true : nil
            }
            await stage.master.say(.ack(run: Stage.run, epoch: first.epoch, sequence: held.sequence + 2))
            try await stage.end()
            let ended = await stage.master.results.first { result in
                if case .ended = result.message.content { true } else { false }
            }
            guard let number = ended?.message.sequence, number == held.sequence + 3 else {
                throw Deviation(
                    expected:
                        "`ended` with the number \(held.sequence + 3), after \(held.sequence + 2) was acknowledged",
                    came: "\(ended?.message.sequence ?? 0)")
            }
        },
        Check(
            "started again with nothing left, it draws another epoch", chapter: "The lease", data: true
        ) { stage in
            let first = try await stage.hello()
            try await stage.order("hits", ["3"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            try await stage.pause(.milliseconds(300))
            let place = await stage.place
            try stage.restartAgent()
            let second = try await stage.hello(since: place)
            guard second.agent == first.agent, second.epoch != first.epoch, second.runs.isEmpty else {
                throw Deviation(
                    expected: "the agent \(first.agent) with another epoch than \(first.epoch), and no run",
                    came: "\(second.agent), \(second.epoch), \(second.runs)")
            }
        },
    ]
}

extension Stage {
    /// Has a program write hits until some results have come.
    ///
    /// - Returns: The agent's hello, and the highest number that came.
    fileprivate func hitsOnDisk() async throws -> (AgentHello, UInt64) {
        let hello = try await hello()
        try await order("obey")
        try await start()
        let last = try await expect("5 results") { master in
            master.results.last.flatMap { $0.message.sequence >= 5 ? $0.message.sequence : nil }
        }
        return (hello, last)
    }

    /// Kills the agent and starts it again: it must come as the same.
    fileprivate func restarted(after first: AgentHello) async throws -> AgentHello {
        let place = await place
        try restartAgent()
        let second = try await hello(since: place)
        guard second.agent == first.agent, second.epoch == first.epoch else {
            throw Deviation(
                expected: "the same agent \(first.agent) and epoch \(first.epoch)",
                came: "\(second.agent) and \(second.epoch)")
        }
        return second
    }

    /// Nothing of a run may be left.
    fileprivate func forgotten() async throws {
        try await pause(.milliseconds(300))
        let place = await place
        await master.say(.error(WireFault(code: "not-welcome", message: "say hello first")))
        let hello = try await hello(since: place)
        guard hello.runs.isEmpty else { throw Deviation(expected: "no run in the hello", came: "\(hello.runs)") }
    }
}

extension AgentHello {
    /// The run that checks start, which must not run any more.
    fileprivate func held(atLeast sequence: UInt64) throws(Deviation) -> HeldRun {
        guard let held = runs.first(where: { $0.run == Stage.run }), !held.running, held.sequence >= sequence else {
            throw Deviation(
                expected: "the run in the hello, not running, with number \(sequence) or a later one", came: "\(runs)")
        }
        return held
    }
}
