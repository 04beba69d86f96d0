import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// From the start to the program's end.
    static let running: [Check] = [
        Check("a run starts at the instant that was told", chapter: "Starting and ending a run") { stage in
            try await stage.order("hits", ["20"])
            let at = try await stage.start(ahead: .seconds(1))
            let started = try await stage.expect("the report `started`") { master -> ScriptedMaster.Result? in
                master.results.first { if case .started? = $0.report { true } else { false } }
            }
            guard started.at >= at else {
                throw Deviation(expected: "nothing before the instant", came: "`started` before it")
            }
            guard case .started(let late)? = started.report, late < 5 else {
                throw Deviation(expected: "late_s of less than 5 s", came: "\(started.report as Any)")
            }
            try await stage.finished(interrupted: false)
        },
        Check("everything that the program reports arrives", chapter: "Exactly once") { stage in
            try await stage.order("hits", ["50"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            let sequence = try await stage.sequence()
            guard case .started? = sequence.first?.report, case .ended? = sequence.last?.message.content else {
                throw Deviation(expected: "`started` first and `ended` last", came: await stage.master.summary)
            }
            let total = await stage.master.total().statistics
            guard let page = total.names["page"] else {
                throw Deviation(expected: "hits under the name \"page\"", came: "\(total.names.keys.sorted())")
            }
            let expected =
                "50 hits, 1 failed, 50 requests, 5000 and 500 bytes, 49 × 200, 1 × 500, 49 iterations ok, 1 failed, 1 failure"
            let came =
                "\(page.count) hits, \(page.failed) failed, \(page.requests) requests, \(page.bytesReceived) and "
                + "\(page.bytesSent) bytes, \(page.status[200] ?? 0) × 200, \(page.status[500] ?? 0) × 500, "
                + "\(total.iterations.ok) iterations ok, \(total.iterations.failed) failed, "
                + "\(total.failures["program.sh:1"]?.count ?? 0) failure"
            guard came == expected else { throw Deviation(expected: expected, came: came) }
            guard page.latency.count == 50, page.latency.min == 1_500_000, page.latency.max == 1_500_000 else {
                throw Deviation(
                    expected: "50 latencies of 1.5 ms",
                    came: "\(page.latency.count) from \(page.latency.min) to \(page.latency.max) ns")
            }
        },
        Check("the program is given its plan", chapter: "Starting and ending a run") { stage in
            try await stage.order("plan")
            try await stage.start()
            let plan = try await stage.note("plan ")
            let hello = try await stage.hello()
            for part in [
                #""users":2"#, #""iterations":3"#, #""first_user":34"#, #""run":"conformance-1""#,
                #""agent":"\#(hello.agent)""#, #""server_url":"http://127.0.0.1:9""#, #""cycles":["#,
            ] {
                // Blanks and escaped slashes are the writer's own affair.
                let written = plan.filter { $0 != " " && $0 != "\\" }
                guard written.contains(part) else { throw Deviation(expected: "\(part) in the plan", came: plan) }
            }
            let environment = try await stage.note("environment ")
            guard environment == "a b" else {
                throw Deviation(expected: "the environment that was ordered", came: environment)
            }
            try await stage.finished(interrupted: false)
        },
        Check("a runner of the dialect `messages` is spoken with", chapter: "An agent's life") { stage in
            guard try await stage.hello().dialects.contains(.messages) else {
                throw NotApplicable(reason: "the agent does not offer the dialect")
            }
            guard let program = stage.messagesProgram else {
                throw NotApplicable(reason: "there is no program that speaks it")
            }
            try await stage.welcomed()
            await stage.send(
                RunnerLaunch(program: .path(program[0]), arguments: Array(program.dropFirst()), dialect: .messages))
            try await stage.start()
            try await stage.finished(interrupted: false)
            let sequence = try await stage.sequence()
            guard case .started? = sequence.first?.report else {
                throw Deviation(expected: "`started` first", came: await stage.master.summary)
            }
            let iterations = await stage.master.total().statistics.iterations
            guard iterations.started == 6, iterations.ok == 6 else {
                throw Deviation(expected: "6 iterations", came: "\(iterations)")
            }
        },
        Check("an adjustment reaches the program", chapter: "start, adjust, raw_hits, stop") { stage in
            try await stage.order("obey")
            let at = try await stage.start()
            try await stage.note("process ")
            let when = at.advanced(by: .seconds(3))
            await stage.master.say(
                .adjust(run: Stage.run, Adjustment(users: 7, firstNewUser: 40, at: when.nanoseconds)))
            let told = try await stage.note("told ").filter { $0 != " " }
            for part in [#""adjust""#, #""users":7"#] where !told.contains(part) {
                throw Deviation(expected: "\(part) in the command", came: told)
            }
            guard let time = number(after: #""at_s":"#, in: told), abs(time - 3) < 0.01 else {
                throw Deviation(expected: "at_s of 3: seconds since the start", came: told)
            }
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            try await stage.finished(interrupted: true)
        },
        Check("raw hits come while they are wanted", chapter: "start, adjust, raw_hits, stop") { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.expect("hits without raw ones") { master in
                let total = master.total()
                return total.statistics.hitCount > 2 && total.hits.isEmpty ? true : nil
            }
            await stage.master.say(.rawHits(run: Stage.run, wanted: true))
            let hit = try await stage.expect("raw hits") { $0.total().hits.first }
            guard hit.name == "page", hit.url == "http://conformance/", hit.status == 200, hit.user == 34,
                hit.latency == 1_500_000
            else { throw Deviation(expected: "the hit as the program wrote it", came: "\(hit)") }
            await stage.master.say(.rawHits(run: Stage.run, wanted: false))
            try await stage.expect("batches of hits without raw ones again") { master in
                let last = master.results.suffix(3).compactMap { result -> Batch? in
                    if case .batch(let batch)? = result.report { batch } else { nil }
                }
                return last.count == 3 && last.allSatisfy { $0.hits.isEmpty && $0.statistics.hitCount > 0 } ? true : nil
            }
            await stage.master.say(.stop(run: Stage.run, abort: true, reason: "enough"))
            try await stage.finished(interrupted: true)
        },
        Check(
            "batches come as seldom as the master wants them", chapter: "lease",
            rules: Rules(batchInterval: 1_000_000_000)
        ) { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.expect("a first batch with hits") { $0.total().statistics.hitCount > 0 ? true : nil }
            try await stage.pause(.seconds(4))
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            try await stage.finished(interrupted: true)
            let batches = await stage.master.results.compactMap { result -> Batch? in
                if case .batch(let batch)? = result.report { batch } else { nil }
            }
            // At 100 ms there would be forty in 4 s, and as many of what is late; a few at the start and the end are not held up.
            let seconds = (batches.map(\.to).max() ?? 0) - (batches.map(\.from).min() ?? 0)
            guard Double(batches.count) <= 3 * seconds + 4 else {
                throw Deviation(
                    expected: "about one batch a second, and as many of what comes late, with batch_interval_ns of 1 s",
                    came: "\(batches.count) in \(Int(seconds)) s")
            }
        },
        Check("two runs at a time do not touch each other", chapter: "Exactly once") { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.order("hits", ["5"], run: "conformance-2")
            try await stage.start(run: "conformance-2")
            try await stage.finished(run: "conformance-2", interrupted: false)
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            try await stage.finished(interrupted: true)
            _ = try await stage.sequence()
            _ = try await stage.sequence(run: "conformance-2")
            let hits = await stage.master.total(run: "conformance-2").statistics.hitCount
            guard hits == 5 else { throw Deviation(expected: "5 hits of the second run", came: "\(hits)") }
        },
    ]

    /// The number behind a piece of text.
    static func number(after key: String, in text: String) -> Double? {
        guard let range = text.firstRange(of: key) else { return nil }
        return Double(text[range.upperBound...].prefix { $0.isNumber || ".-+eE".contains($0) })
    }
}
