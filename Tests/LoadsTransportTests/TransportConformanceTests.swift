import LoadsEventLoop
import LoadsTransport
import Synchronization
import Testing

/// What every transport must do, whatever carries it.
@Suite struct TransportConformanceTests {
    @Test(arguments: TransportKind.allCases)
    func controlArrivesInOrderBothWays(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            let sent = try await agent.loop.perform {
                (0..<500).count { agent.transport.send(message($0, padding: $0)) }
            }
            #expect(sent == 500)
            try await eventually("500 messages at the master") { scene.master.control.count == 500 }
            #expect(scene.master.control == (0..<500).map { message($0, padding: $0) })
            let peers = Set(scene.master.peers)
            #expect(peers.count == 1)
            let peer = try #require(peers.first)
            let transport = try await scene.openedMaster
            let answered = try await scene.loop.perform { (0..<500).count { transport.send(message($0), to: peer) } }
            #expect(answered == 500)
            try await eventually("500 messages at the agent") { agent.probe.control.count == 500 }
            #expect(agent.probe.control.map(number) == Array(0..<500))
            // That it stands may be told behind what came over it.
            try await eventually("a connection") { agent.probe.connections >= 1 }
            #expect(agent.probe.connections == 1)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func anEmptyAndALargeMessageArriveAsTheyAre(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            var bytes = [UInt8](repeating: 5, count: 7 << 20)
            bytes[1 << 20] = 6
            let large = bytes
            try await agent.loop.perform {
                agent.transport.send([])
                agent.transport.send(large)
                #expect(agent.transport.push(large))
            }
            try await eventually("both messages") { scene.master.control.count == 2 }
            #expect(scene.master.control == [[], large])
            try await eventually("the result") { scene.master.results.count == 2 }
            #expect(scene.master.results.last == large)
        }
    }

    /// How much a transport takes ahead is its own affair: what bounds it is the agent's window.
    @Test(arguments: TransportKind.allCases)
    func resultsArriveInOrderAlsoWhenTheMasterStoodStill(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            // The master's loop stands still.
            let gate = Gate()
            scene.loop.submit { gate.wait() }
            let total = 4_000
            let next = Mutex(1)
            let push: @Sendable () -> Void = {
                next.withLock { next in
                    while next <= total, agent.transport.push(message(next, padding: 16_000)) { next += 1 }
                }
            }
            agent.probe.onWritable.set(push)
            agent.loop.submit(push)
            var last = 0
            try await eventually("the agent is held, or everything is on its way") {
                try await Task.sleep(for: .milliseconds(300))
                let now = next.withLock { $0 }
                defer { last = now }
                // Not before it has begun.
                return now > 1 && now == last
            }
            #expect(last > 1)
            gate.open()
            try await eventually("everything") { scene.master.seen.withLock { $0.results.count } == total + 1 }
            #expect(scene.master.results.map(number) == Array(0...total))
        }
    }

    @Test(arguments: TransportKind.allCases)
    func theMasterSeesFirstAndLastSubscriptionByPrefix(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let one = try await scene.openClient()
            let two = try await scene.openClient()
            try await one.loop.perform { one.transport.subscribe("hits/7/") }
            try await eventually("the first") { scene.master.subscriptions == ["+hits/7/"] }
            try await two.loop.perform {
                two.transport.subscribe("hits/7/")
                two.transport.subscribe("hits/7/")
                two.transport.subscribe("stats/")
            }
            try await eventually("another prefix") { scene.master.subscriptions == ["+hits/7/", "+stats/"] }
            try await one.loop.perform { one.transport.unsubscribe("hits/7/") }
            try await two.loop.perform { two.transport.unsubscribe("stats/") }
            try await eventually("stats is over") {
                scene.master.subscriptions == ["+hits/7/", "+stats/", "-stats/"]
            }
            try await two.loop.perform { two.transport.close() }
            try await eventually("hits is over") {
                scene.master.subscriptions == ["+hits/7/", "+stats/", "-stats/", "-hits/7/"]
            }
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aSubscriberGetsWhatBeginsWithItsPrefixes(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let client = try await scene.openClient()
            try await client.loop.perform {
                client.transport.subscribe("hits/7/")
                client.transport.subscribe("stats/")
            }
            try await eventually("both") { scene.master.subscriptions.count == 2 }
            let transport = try await scene.openedMaster
            try await scene.loop.perform {
                for (index, topic) in ["hits/7/", "hits/8/", "stats/7/", "hits/7", "events/7/", "stats/8/"].enumerated()
                {
                    transport.publish(message(index), topic: topic)
                }
            }
            try await eventually("three") { client.probe.stream.count >= 3 }
            #expect(client.probe.stream.map(\.topic) == ["hits/7/", "stats/7/", "stats/8/"])
            #expect(client.probe.stream.map { number($0.message) } == [0, 2, 5])
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aSlowSubscriberMissesMessagesAndSlowsNobody(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let slow = try await scene.openClient()
            let quick = try await scene.openClient()
            for client in [slow, quick] { try await client.loop.perform { client.transport.subscribe("") } }
            try await eventually("a subscription") { scene.master.subscriptions == ["+"] }
            let transport = try await scene.openedMaster
            // Both are there when both have got one.
            try await eventually("both get something") {
                try await scene.loop.perform { transport.publish(message(0), topic: "first/") }
                return !slow.probe.stream.isEmpty && !quick.probe.stream.isEmpty
            }
            let gate = Gate()
            slow.loop.submit { gate.wait() }
            let total = 3_000
            for number in 1...total {
                try await scene.loop.perform { transport.publish(message(number, padding: 100_000), topic: "more/") }
                // The quick one keeps up: so does everybody who reads.
                if number.isMultiple(of: 100) {
                    try await eventually("the quick one has it") { number == (quick.last ?? 0) }
                }
            }
            #expect(quick.numbers(of: "more/") == Array(1...total))
            gate.open()
            try await eventually("the slow one gets new ones") {
                try await scene.loop.perform { transport.publish(message(total + 1), topic: "more/") }
                return slow.last == total + 1
            }
            let got = slow.numbers(of: "more/")
            #expect(got.count < total)
            #expect(got == got.sorted())
        }
    }

    @Test(arguments: TransportKind.allCases)
    func sendingToAPeerThatHasGoneIsRefused(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await agent.loop.perform { agent.transport.send(message(1)) }
            try await eventually("the hello") { scene.master.peers.count == 1 }
            let peer = scene.master.peers[0]
            let transport = try await scene.openedMaster
            #expect(try await scene.loop.perform { transport.send(message(2), to: peer) })
            #expect(try await !scene.loop.perform { transport.send(message(2), to: Peer(routing: [9, 9])) })
            // What it says last still arrives.
            try await agent.loop.perform {
                agent.transport.send(message(3))
                agent.transport.close()
            }
            try await eventually("the last word") { scene.master.control.last == message(3) }
            try await eventually("the peer is gone") {
                try await !scene.loop.perform { transport.send(message(4), to: peer) }
            }
            #expect(try await scene.loop.perform { transport.counters.undelivered } >= 2)
            #expect(try await !agent.loop.perform { agent.transport.send(message(5)) || agent.transport.push([1]) })
        }
    }
}
