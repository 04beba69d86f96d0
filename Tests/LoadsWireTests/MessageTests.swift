import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@Suite struct MessageTests {
    @Test(arguments: Sample.all) func messagesSurviveTheRoundTrip(_ sample: Sample) throws {
        #expect(try sample.survives(sample.bytes))
    }

    @Test func aPartOfAMixKeepsAllThatIsItsOwn() throws {
        let parts = [
            MixPart(
                scenarios: ["a"], start: .seconds(3), model: .cycles([.init(users: 2, amount: .iterations(3))]),
                think: .exponential(mean: .seconds(1)), pacing: .seconds(4), pause: .seconds(5), rampUp: .seconds(6)),
            MixPart(scenarios: ["b", "c"], model: .arrivals(Arrivals(rate: .perSecond(5), for: .seconds(7)))),
        ]
        let order = RunnerCommand.run(RunnerOrder(plan: Plan(model: .mix(parts))))
        #expect(try RunnerCommand(decoding: order.encoded()) == order)
    }

    @Test func unknownFieldsAreIgnored() throws {
        // {"v": 1, "later": [1], "type": "stop"}
        let bytes: [UInt8] =
            [0x83, 0xa1, 0x76, 1, 0xa5] + "later".utf8 + [0x91, 1, 0xa4] + "type".utf8 + [0xa4] + "stop".utf8
        #expect(try RunnerCommand(decoding: bytes) == .stop)
    }

    @Test func timeThatLoopsWereHeldUpTravelsWithTheirHealth() throws {
        var batch = Samples.batch
        batch.statistics.health.lag.held = 4000
        guard case .batch(let again) = try RunnerReport(decoding: RunnerReport.batch(batch).encoded()[0]) else {
            Issue.record("no batch")
            return
        }
        #expect(again.statistics.health.lag == batch.statistics.health.lag)
        var snapshot = NetworkSamples.snapshot
        snapshot.agents[0].usage?.heldSeconds = 0.5
        let answer = ClientAnswer(id: 1, answer: .snapshot(snapshot))
        guard case .snapshot(let told) = try ClientAnswer(decoding: answer.encoded()[0]).answer else {
            Issue.record("no snapshot")
            return
        }
        #expect(told.agents[0].usage?.heldSeconds == 0.5)
    }

    @Test func anotherVersionIsRefusedAndBothAreNamed() {
        let bytes: [UInt8] = [0x82, 0xa1, 0x76, 7, 0xa4] + "type".utf8 + [0xa4] + "stop".utf8
        let error = #expect(throws: WireError.self) { _ = try RunnerCommand(decoding: bytes) }
        #expect(error?.code == .version)
        #expect(error?.message.contains("version 7") == true && error?.message.contains("version 1") == true)
    }

    @Test func aLargeBatchTravelsInPiecesThatMergeToIt() throws {
        var batch = Batch()
        batch.statistics.users = 7
        batch.statistics.iterations.started = 5
        batch.statistics.health.droppedHits = 3
        for number in 0..<300 {
            var name = NameStatistics()
            name.count = 400
            for value in 0..<400 { name.latency.record(Int64(1000 + value * value * 137 + number)) }
            batch.statistics.names["GET /items/\(number)"] = name
        }
        for number in 0..<20_000 {
            batch.hits.append(
                RawHit(
                    time: 1, user: number, iteration: 0, name: "n", method: "GET", url: "http://h/\(number)",
                    status: 200,
                    latency: 5, bytes: 1, requests: 1, error: nil))
        }
        let messages = RunnerReport.batch(batch).encoded()
        #expect(messages.count > 1)
        var merged = Batch()
        for message in messages {
            #expect(message.count < WireLimits.messageBytes / 2)
            guard case .batch(let part) = try RunnerReport(decoding: message) else { return #expect(Bool(false)) }
            merged.merge(part)
        }
        #expect(merged == batch)
    }

    /// What a master answers that has many agents and many runs.
    @Test func aLargeStatusTravelsInPiecesThatAreTheWhole() throws {
        var status = NetworkSamples.status
        for number in 0..<5_000 {
            var agent = status.agents[number % 2]
            agent.hello.agent = "agent-\(number)"
            agent.hello.labels = ["zone": String(repeating: "z", count: 250)]
            status.agents.append(agent)
        }
        for number in 0..<2_000 {
            var run = status.runs[0]
            run.run = "r\(number)"
            run.state = .refused(code: 71, message: String(repeating: "m", count: 16 << 10))
            status.runs.append(run)
        }
        let messages = ClientAnswer(id: 4, answer: .status(status)).encoded()
        #expect(messages.count > 10)
        var whole: ClientAnswer.Answer?
        for message in messages {
            #expect(message.count < WireLimits.messageBytes / 2)
            let piece = try ClientAnswer(decoding: message).answer
            #expect(piece.more == (message != messages.last))
            whole = whole?.joined(with: piece) ?? piece
        }
        #expect(whole == .status(status))
    }

    /// Seconds with names of 20 kB.
    private func page(_ count: Int, names: Int) -> SecondsPage {
        let tail = String(repeating: "x", count: 20_000)
        return SecondsPage(
            (0..<count).map { second in
                var statistics = Statistics()
                statistics.users = 7
                statistics.iterations.ok = second
                for number in 0..<names {
                    var name = NameStatistics()
                    name.count = 1
                    name.latency.record(1_000)
                    statistics.names["\(number)" + tail] = name
                }
                return MeasuredSecond(second: 3 * second, statistics)
            })
    }

    /// The answer that comes in these messages, as who asked puts it together.
    private func joined(_ messages: [[UInt8]]) throws -> ClientAnswer.Answer? {
        var whole: ClientAnswer.Answer?
        for message in messages {
            #expect(message.count < WireLimits.messageBytes / 2)
            let piece = try ClientAnswer(decoding: message).answer
            #expect(piece.more == (message != messages.last))
            whole = whole?.joined(with: piece) ?? piece
        }
        return whole
    }

    /// What does not fit is asked for again.
    @Test func asManySecondsTravelAsFit() throws {
        let page = page(12, names: 60)
        let messages = ClientAnswer(id: 4, answer: .seconds(page)).encoded()
        let whole = try joined(messages)
        guard case .seconds(let read) = whole else { return #expect(Bool(false)) }
        #expect(messages.count > 1 && read.seconds.count > 1 && read.seconds.count < 12)
        #expect(read.seconds == Array(page.seconds.prefix(read.seconds.count)))
        #expect(messages.reduce(0) { $0 + $1.count } < WireLimits.messageBytes)
    }

    @Test func oneSecondTravelsHoweverLargeItIs() throws {
        let page = page(2, names: 300)
        let messages = ClientAnswer(id: 4, answer: .seconds(page)).encoded()
        let whole = try joined(messages)
        #expect(whole == .seconds(SecondsPage([page.seconds[0]])))
    }

    @Test func noSecondsAreAnAnswer() throws {
        let messages = ClientAnswer(id: 4, answer: .seconds(SecondsPage([]))).encoded()
        #expect(try messages.map { try ClientAnswer(decoding: $0).answer } == [.seconds(SecondsPage([]))])
    }

    @Test func longStringsAreCut() throws {
        let report = RunnerReport.note(String(repeating: "ü", count: 100_000))
        guard case .note(let text) = try RunnerReport(decoding: report.encoded()[0]) else {
            return #expect(Bool(false))
        }
        #expect(text.utf8.count <= 33_000 && text.hasPrefix("üüü"))
    }

    // MARK: Open models, and what did not come to its end

    @Test func arrivalsAndWhatWasCutOffSurvive() throws {
        var batch = Samples.batch
        batch.statistics.iterations.cutOff = 1
        batch.statistics.names["GET /"]!.cancelled = 2
        batch.statistics.arrivals = ArrivalCounts(planned: 9, started: 6, dropped: 1, cancelled: 2)
        batch.statistics.response.record(5_000_000)
        batch.statistics.unscheduled.record(6_000_000)
        batch.statistics.userWait.record(7_000_000)
        batch.statistics.scheduleLag.record(8_000)
        var warmUp = batch.statistics
        warmUp.health = GeneratorHealth()
        warmUp.users = 0
        batch.statistics.warmUp = warmUp
        var merged = Batch(from: batch.from, to: batch.to)
        for report in RunnerReport.batch(batch).encoded() {
            let reader = try #require(try BatchReader(report: report))
            merged.merge(reader.batch)
        }
        #expect(merged.statistics.iterations.cutOff == 1 && merged.statistics.cancelledHitCount == 2)
        #expect(merged.statistics.unscheduled == batch.statistics.unscheduled)
        #expect(merged.statistics.userWait == batch.statistics.userWait)
        #expect(merged.statistics.warmUp?.cancelledHitCount == 2 && merged.statistics.warmUp?.userWait.count == 1)
        #expect(merged.statistics == batch.statistics)
        let reader = try #require(try BatchReader(report: RunnerReport.batch(batch).encoded()[0]))
        #expect(reader.allHitCount <= batch.statistics.allHitCount)
    }
}
