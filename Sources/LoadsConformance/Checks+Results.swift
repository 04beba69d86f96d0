import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// Numbers, acknowledgements, the window.
    static let results: [Check] = [
        Check("what is acknowledged is not sent again", chapter: "Exactly once") { stage in
            try await stage.order("hits", ["10"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            let count = await stage.master.results.count
            // Longer than the 5 s after which what is not acknowledged comes again.
            try await stage.pause(.seconds(7))
            let after = await stage.master.results.count
            guard after == count else {
                throw Deviation(expected: "no result after the last acknowledgement", came: "\(after - count) more")
            }
        },
        Check(
            "what is not acknowledged is sent again, unchanged", chapter: "Exactly once",
            rules: Rules(acknowledges: false)
        ) { stage in
            try await stage.order("hits", ["10"])
            try await stage.start()
            try await stage.end()
            try await stage.expect("result 1 a second time", within: .seconds(30)) { master in
                master.results.filter { $0.message.sequence == 1 }.count > 1 ? true : nil
            }
            // All but the last: only that may come once more. Everything may be under way again when the agent hears of it, up to
            // the last one.
            let last = UInt64(try await stage.sequence().count)
            await stage.master.acknowledge(Stage.run, upTo: last - 1)
            let heard = await stage.master.results.count
            try await stage.expect("the last result again, twice", within: .seconds(80)) { master in
                master.results.dropFirst(heard).filter { $0.message.sequence == last }.count > 1 ? true : nil
            }
            let early = await stage.master.results.dropFirst(heard).drop { $0.message.sequence < last }
                .filter { $0.message.sequence < last }
            guard early.isEmpty else {
                throw Deviation(
                    expected: "only what is not acknowledged", came: "\(early.map(\.message.sequence)) again")
            }
            await stage.master.acknowledge(Stage.run)
            _ = try await stage.sequence()
        },
        Check(
            "no more than 256 results are under way", chapter: "Exactly once", rules: Rules(acknowledges: false)
        ) { stage in
            try await stage.order("notes", ["900"])
            try await stage.start()
            try await stage.expect("256 results") { $0.results.count >= 256 ? true : nil }
            try await stage.pause(.seconds(1))
            let highest = await stage.master.results.map(\.message.sequence).max() ?? 0
            guard highest == 256 else {
                throw Deviation(expected: "256 results, none acknowledged", came: "number \(highest)")
            }
            await stage.master.acknowledge(Stage.run, upTo: 100)
            try await stage.expect("100 more after 100 were acknowledged") { master in
                master.results.contains { $0.message.sequence == 356 } ? true : nil
            }
            await stage.master.change { $0.acknowledges = true }
            await stage.master.acknowledge(Stage.run)
            try await stage.finished(interrupted: false)
            _ = try await stage.sequence()
            // The program's, and its process's number; an agent may add what it has to say itself.
            let notes = Set(await stage.master.notes)
            guard (901...902).contains(notes.count) else {
                throw Deviation(expected: "901 notes", came: "\(notes.count)")
            }
        },
        Check("nothing is lost when the master is restarted", chapter: "Exactly once") { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.expect("5 results") { $0.results.count >= 5 ? true : nil }
            // What comes from now on is taken, but not stored: the master forgets it with its end.
            await stage.master.change { $0.acknowledges = false }
            let stored = await stage.master.results.last?.message.sequence ?? 0
            try await stage.expect("5 more results") { master in
                (master.results.last?.message.sequence ?? 0) >= stored + 5 ? true : nil
            }
            let place = await stage.place
            await stage.master.close()
            await stage.master.forget(Stage.run, after: stored)
            try await stage.master.restart(after: .seconds(1))
            let hello = try await stage.hello(since: place)
            guard hello.runs.contains(where: { $0.run == Stage.run && $0.running && $0.sequence >= stored + 5 }) else {
                throw Deviation(
                    expected: "the run in the hello, running, with number \(stored + 5) or a later one",
                    came: "\(hello.runs)")
            }
            await stage.master.change { $0.acknowledges = true }
            try await stage.expect("everything after number \(stored) again", within: .seconds(30)) { master in
                (master.results.last?.message.sequence ?? 0) > stored + 10 ? true : nil
            }
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            try await stage.finished(interrupted: true)
            _ = try await stage.sequence()
        },
        Check(
            "an acknowledgement of another epoch is passed over", chapter: "ack, chunk, error",
            rules: Rules(acknowledges: false)
        ) { stage in
            try await stage.order("hits", ["3"])
            try await stage.start()
            try await stage.end()
            await stage.master.say(.ack(run: Stage.run, epoch: ScriptedMaster.nonce(), sequence: 1_000_000))
            let place = await stage.master.results.count
            try await stage.expect("the results again", within: .seconds(30)) { master in
                master.results.dropFirst(place).contains { $0.message.sequence == 1 } ? true : nil
            }
            await stage.master.acknowledge(Stage.run)
        },
        Check("a run whose end is acknowledged is forgotten", chapter: "Exactly once") { stage in
            try await stage.order("hits", ["3"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            try await stage.pause(.milliseconds(300))
            let place = await stage.place
            await stage.master.say(.error(WireFault(code: "not-welcome", message: "say hello first")))
            let hello = try await stage.hello(since: place)
            guard hello.runs.isEmpty else { throw Deviation(expected: "no run in the hello", came: "\(hello.runs)") }
        },
    ]
}
