import LoadsCore
import LoadsWire
import Testing

/// What fields may hold, beyond their types.
@Suite struct FieldTests {
    @Test(arguments: ["", ".", "..", ".hidden", "a/b", "a b", "ü", "a\n", String(repeating: "a", count: 65)])
    func identifiersThatAreUnsafeInTopicsAndPathsAreRefused(_ text: String) {
        #expect(throws: WireError.self) {
            _ = try MasterMessage(decoding: MasterMessage.stop(run: text, abort: true, reason: "").encoded())
        }
        var hello = NetworkSamples.hello
        hello.agent = text
        #expect(throws: WireError.self) { _ = try AgentMessage(decoding: AgentMessage.hello(hello).encoded()) }
    }

    @Test(arguments: ["a", "A-1_b.c", "-", "a..b", String(repeating: "a", count: 64)])
    func otherIdentifiersAreAccepted(_ text: String) throws {
        let message = MasterMessage.stop(run: text, abort: true, reason: "")
        #expect(try MasterMessage(decoding: message.encoded()) == message)
    }

    @Test(arguments: ["", "0011", "00112233445566AA", "00112233445566ag", "00112233445566aa0"])
    func epochsAndBootsAreSixteenHexadecimalDigits(_ text: String) {
        #expect(throws: WireError.self) {
            _ = try MasterMessage(decoding: MasterMessage.ack(run: "r", epoch: text, sequence: 1).encoded())
        }
    }

    @Test(
        arguments: [
            "", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a//b", "a/", "a\0b",
            String(repeating: "a", count: 1025),
        ])
    func pathsThatLeaveTheRunsDirectoryAreRefused(_ path: String) {
        var launch = NetworkSamples.launch
        launch.files[0].path = path
        #expect(throws: WireError.self) { try decoded(launch) }
    }

    @Test(arguments: ["a", "lib/libX.so.1", "..a/b..", ".hidden", "a b/ü"])
    func otherPathsAreAccepted(_ path: String) throws {
        var launch = NetworkSamples.launch
        launch.files[0].path = path
        #expect(try decoded(launch) == launch)
    }

    @Test func whatTheSystemWouldCutIsRefused() {
        var launch = NetworkSamples.launch
        launch.arguments = ["a\0b"]
        #expect(throws: WireError.self) { try decoded(launch) }
        launch = NetworkSamples.launch
        launch.environment = ["A=B": "c"]
        #expect(throws: WireError.self) { try decoded(launch) }
        launch = NetworkSamples.launch
        launch.program = .path("")
        #expect(throws: WireError.self) { try decoded(launch) }
    }

    @Test func whatAProgramIsStartedWithIsNotCut() throws {
        var launch = NetworkSamples.launch
        launch.arguments = [String(repeating: "x", count: 100_000)]
        #expect(try decoded(launch) == launch)
    }

    @Test func chunksHaveALimit() throws {
        func chunk(_ count: Int) -> MasterMessage {
            .chunk(FileChunk(hash: NetworkSamples.hash, offset: 0, bytes: [UInt8](repeating: 7, count: count)))
        }
        #expect(try MasterMessage(decoding: chunk(FileChunk.limit).encoded()) == chunk(FileChunk.limit))
        #expect(throws: WireError.self) { _ = try MasterMessage(decoding: chunk(FileChunk.limit + 1).encoded()) }
    }

    @Test(arguments: [0, 999_999, 86_400_000_000_001]) func beatsAreNeitherFranticNorForgotten(_ interval: Int64) {
        var welcome = NetworkSamples.welcome
        welcome.beat = interval
        #expect(throws: WireError.self) { _ = try MasterMessage(decoding: MasterMessage.welcome(welcome).encoded()) }
    }

    @Test func theLargestReportFitsIntoItsEnvelope() throws {
        let report = [UInt8](repeating: 0, count: WireLimits.messageBytes)
        let message = ResultMessage(
            run: String(repeating: "r", count: 64), agent: String(repeating: "a", count: 64),
            epoch: NetworkSamples.epoch, sequence: UInt64(Int.max), content: .report(report))
        #expect(try ResultMessage(decoding: message.encoded()) == message)
    }

    @Test func unknownTypesAndWordsAreNamed() {
        let bytes = Array(
            AgentMessage.goodbye(reason: "").encoded().map { $0 == UInt8(ascii: "g") ? UInt8(ascii: "b") : $0 })
        let error = #expect(throws: WireError.self) { _ = try AgentMessage(decoding: bytes) }
        #expect(error?.message.contains("boodbye") == true)
    }

    @Test func dialectsOfALaterVersionArePassedOver() throws {
        let bytes = AgentMessage.hello(NetworkSamples.hello).encoded()
        let text = Array("lines".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
        var later = bytes
        later.replaceSubrange(place..<place + 5, with: "linez".utf8)
        var expected = NetworkSamples.hello
        expected.dialects = [.messages]
        #expect(try AgentMessage(decoding: later) == .hello(expected))
    }

    @Test func requestsAndAgentsAreToldApart() throws {
        let hello = ClientRequest(id: 1, ask: .hello(software: "x"))
        #expect(try PeerMessage(decoding: hello.encoded()) == .client(hello))
        let agent = AgentMessage.hello(NetworkSamples.hello)
        #expect(try PeerMessage(decoding: agent.encoded()) == .agent(agent))
    }

    private func decoded(_ launch: RunnerLaunch) throws -> RunnerLaunch? {
        let order = AgentOrder(run: "r", launch: launch, order: NetworkSamples.order)
        guard case .run(let order) = try MasterMessage(decoding: MasterMessage.run(order).encoded()) else { return nil }
        return order.launch
    }
}

@Suite struct LargeAnswerTests {
    @Test func aLargeSnapshotTravelsInPartsThatMergeToIt() throws {
        var snapshot = NetworkSamples.snapshot
        for number in 0..<2000 {
            var name = NameStatistics()
            name.count = 3
            // Totals of a long run are larger than any batch.
            name.bytesReceived = 1 << 41
            for value in 0..<60 { name.latency.record(Int64(1000 + value * value * 137 + number)) }
            snapshot.statistics.names["GET /items/\(number)"] = name
        }
        let messages = ClientAnswer(id: 5, answer: .snapshot(snapshot)).encoded()
        #expect(messages.count > 1)
        var merged: RunSnapshot?
        for message in messages {
            #expect(message.count < WireLimits.messageBytes / 2)
            guard case .snapshot(let part) = try ClientAnswer(decoding: message).answer else {
                return #expect(Bool(false))
            }
            #expect(merged?.more != false)
            if merged == nil { merged = part } else { merged!.merge(part) }
        }
        #expect(merged == snapshot)
    }

    @Test func ofALongLogTheFirstEntriesComeThatFit() throws {
        let event = RunEvent(kind: "note", text: String(repeating: "x", count: 30_000))
        let entries = (1...1000).map { LogEntry(number: $0, at: 1, event: event) }
        let messages = ClientAnswer(id: 1, answer: .log(entries)).encoded()
        #expect(messages.count == 1)
        guard case .log(let first) = try ClientAnswer(decoding: messages[0]).answer else { return #expect(Bool(false)) }
        #expect(first.count > 50 && first.count < 1000)
        #expect(first == Array(entries.prefix(first.count)))
    }
}
