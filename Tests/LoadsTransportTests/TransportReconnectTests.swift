import Glibc
import LoadsEventLoop
import LoadsTransport
import Synchronization
import Testing

/// Coming and going, many at once, and much at once: what every transport must stand.
@Suite struct TransportReconnectTests {
    @Test(arguments: TransportKind.allCases)
    func closingReleasesTheReceiver(_ kind: TransportKind) async throws {
        weak var master: MasterProbe?
        weak var peer: PeerProbe?
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            let client = try await scene.openClient()
            try await client.loop.perform { client.transport.subscribe("a") }
            try await eventually("a subscription") { scene.master.subscriptions == ["+a"] }
            master = scene.master
            peer = agent.probe
        }
        try await eventually("nobody keeps the receivers") { master == nil && peer == nil }
    }

    @Test(arguments: TransportKind.allCases)
    func nothingIsReceivedAfterTheClose(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            let transport = try await scene.openedMaster
            let count = Mutex(0)
            scene.master.onControl.set { _ in
                count.withLock { $0 += 1 }
                transport.close()
            }
            try await agent.loop.perform { for number in 0..<100 { agent.transport.send(message(number)) } }
            try await eventually("the first message") { count.withLock { $0 } == 1 }
            try await scene.loop.perform {}
            try await Task.sleep(for: .milliseconds(50))
            #expect(count.withLock { $0 } == 1)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func peersComeBackWhenAnotherMasterOpensInTheSamePlace(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            let client = try await scene.openClient()
            try await scene.connectResults(agent)
            try await client.loop.perform { client.transport.subscribe("hits/") }
            try await agent.loop.perform { agent.transport.send(message(1)) }
            try await eventually("the first hello") { scene.master.control == [message(1)] }
            try await eventually("the first subscription") { scene.master.subscriptions == ["+hits/"] }
            let before = scene.master.peers[0]

            try await scene.closeMaster()
            try await eventually("results are not taken any more") {
                try await !agent.loop.perform { agent.transport.push(message(0)) }
            }
            try await scene.openMaster()
            try await eventually("another connection") { agent.probe.connections == 2 }
            try await agent.loop.perform { agent.transport.send(message(2)) }
            try await eventually("the second hello") { scene.master.control == [message(1), message(2)] }
            #expect(scene.master.peers[1] != before)
            try await eventually("the subscription again") { scene.master.subscriptions == ["+hits/", "+hits/"] }
            try await eventually("results again") {
                try await agent.loop.perform { agent.transport.push(message(77)) }
            }
            try await eventually("the result") { scene.master.results.last == message(77) }
            let transport = try await scene.openedMaster
            try await scene.loop.perform { transport.publish(message(5), topic: "hits/7/") }
            try await eventually("the stream again") { client.last == 5 }
            let peer = scene.master.peers[1]
            #expect(try await scene.loop.perform { transport.send(message(6), to: peer) })
            try await eventually("an answer") { agent.probe.control == [message(6)] }
        }
    }

    @Test(arguments: TransportKind.allCases)
    func anAgentMayBeThereBeforeItsMaster(_ kind: TransportKind) async throws {
        var isShown = false
        for _ in 0..<10 where !isShown {
            try await Scene.play(kind) { scene in
                try await scene.closeMaster()
                let begin = Instant.now
                let agent = try await scene.openAgent()
                // Up to the first that is refused.
                let taken = try await agent.loop.perform {
                    (0..<100_000).first { !agent.transport.send(message($0)) } ?? 100_000
                }
                // Bounded: what is not taken is told.
                #expect(taken >= 100 && taken < 100_000)
                try await scene.openMaster()
                try await eventually("a connection") { agent.probe.connections > 0 }
                // Who is not connected for five seconds gets another socket, with nothing in it: on a busy machine once more.
                guard Instant.now.nanoseconds(since: begin) < 4_000_000_000 else { return }
                try await eventually("what waited") { scene.master.control.count == taken }
                #expect(scene.master.control.map(number) == Array(0..<taken))
                isShown = true
            }
        }
        #expect(isShown)
    }

    @Test(arguments: TransportKind.allCases)
    func reconnectingMakesAnotherPeerAndGivesUpWhatWaits(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            try await agent.loop.perform { agent.transport.send(message(1)) }
            try await eventually("the first hello") { scene.master.peers.count == 1 }
            let transport = try await scene.openedMaster
            let old = scene.master.peers[0]
            try await agent.loop.perform {
                agent.transport.reconnect()
                agent.transport.send(message(2))
            }
            try await eventually("the second hello") { scene.master.control.last == message(2) }
            #expect(scene.master.peers.last != old)
            try await eventually("the old peer is gone") {
                try await !scene.loop.perform { transport.send(message(3), to: old) }
            }
            try await eventually("two connections") { agent.probe.connections == 2 }
            try await eventually("results again") {
                try await agent.loop.perform { agent.transport.push(message(77)) }
            }
            try await eventually("the result") { scene.master.results.last == message(77) }
            try await scene.closeMaster()
            let begin = Instant.now
            try await agent.loop.perform {
                agent.transport.send(message(8))
                agent.transport.reconnect()
                agent.transport.send(message(9))
            }
            try await scene.openMaster()
            try await eventually("only the new one") {
                // Who is not connected for five seconds gets another socket, with nothing in it: on a busy machine it is
                // said again.
                if Instant.now.nanoseconds(since: begin) > 4_000_000_000 {
                    try await agent.loop.perform { _ = agent.transport.send(message(9)) }
                }
                return scene.master.control.last == message(9)
            }
            #expect(!scene.master.control.contains(message(8)))
        }
    }

    @Test(arguments: TransportKind.allCases)
    func aHundredAgentsAtOnce(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let transport = try await scene.openedMaster
            scene.master.onControl.set { message, peer in transport.send(message, to: peer) }
            let shared = EventLoop(name: "agents")
            var agents: [Scene.Agent] = []
            for _ in 0..<100 { agents.append(try await scene.openAgent(on: shared)) }
            for (index, agent) in agents.enumerated() {
                let port = scene.world.ports.results
                try await agent.loop.perform {
                    agent.transport.connectResults(host: nil, port: port)
                    for turn in 0..<20 { agent.transport.send(message(index * 100 + turn)) }
                }
            }
            for (index, agent) in agents.enumerated() {
                try await eventually("its own echoes") { agent.probe.control.count >= 20 }
                #expect(agent.probe.control.map(number) == (0..<20).map { index * 100 + $0 })
                try await eventually("a result is taken") {
                    try await agent.loop.perform { agent.transport.push(message(index)) }
                }
            }
            try await eventually("all results") { scene.master.seen.withLock { $0.results.count } == 100 }
            #expect(Set(scene.master.results.map(number)) == Set(0..<100))
            for agent in agents { try await shared.perform { agent.transport.close() } }
            // The scene closes them again: that is harmless. Their loop ends last.
            scene.endLater(shared)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func noMessageAndNoWakeUpIsLostUnderLoad(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let total = 100_000
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            try await agent.loop.perform { agent.transport.send(message(0)) }
            try await eventually("the hello") { scene.master.peers.count == 1 }
            let peer = scene.master.peers[0]
            let transport = try await scene.openedMaster
            let upward = Tally()
            let downward = Tally()
            scene.master.onResult.set { upward.take(number($0)) }
            agent.probe.onControl.set { downward.take(number($0)) }
            let next = Mutex(1)
            let push: @Sendable () -> Void = {
                next.withLock { next in
                    while next <= total, agent.transport.push(message(next, padding: 8)) { next += 1 }
                }
            }
            agent.probe.onWritable.set(push)
            agent.loop.submit(push)
            // The master sends as long as it is taken, and tries again when it is refused.
            let downwards = Sender(total: total, loop: scene.loop) { transport.send(message($0), to: peer) }
            downwards.go()
            try await eventually("all upward") { upward.count >= total }
            try await eventually("all downward") { downward.count >= total }
            #expect(upward.inOrder && downward.inOrder && upward.count == total && downward.count == total)
        }
    }

    @Test(arguments: TransportKind.allCases)
    func timersAreNotStarvedByAFlood(_ kind: TransportKind) async throws {
        try await Scene.play(kind) { scene in
            let agent = try await scene.openAgent()
            try await scene.connectResults(agent)
            let count = Mutex(0)
            scene.master.onResult.set { _ in count.withLock { $0 += 1 } }
            let stop = Atomic(false)
            let push: @Sendable () -> Void = {
                while !stop.load(ordering: .relaxed), agent.transport.push(message(1)) {}
            }
            agent.probe.onWritable.set(push)
            agent.loop.submit(push)
            try await eventually("the flood runs") { count.withLock { $0 } > 1_000 }
            for _ in 0..<20 { try await scene.loop.sleep(for: .milliseconds(1)) }
            stop.store(true, ordering: .relaxed)
            #expect(count.withLock { $0 } > 1_000)
        }
    }
}

/// Counts numbers that should come as 1, 2, 3 …
private final class Tally: Sendable {
    private let state = Mutex((count: 0, inOrder: true))
    func take(_ number: Int) {
        state.withLock {
            $0.count += 1
            if number != $0.count { $0.inOrder = false }
        }
    }
    var count: Int { state.withLock { $0.count } }
    var inOrder: Bool { state.withLock { $0.inOrder } }
}

/// Sends 1, 2, 3 … from a loop; what is refused is tried again a millisecond later.
private final class Sender: Sendable {
    private let next = Mutex(1)
    private let total: Int
    private let loop: EventLoop
    private let send: @Sendable (Int) -> Bool

    init(total: Int, loop: EventLoop, send: @escaping @Sendable (Int) -> Bool) {
        self.total = total
        self.loop = loop
        self.send = send
    }

    func go() {
        loop.submit { [self] in
            let over = next.withLock { next in
                while next <= total, send(next) { next += 1 }
                return next > total
            }
            if !over {
                Task {
                    try await loop.sleep(for: .milliseconds(1))
                    go()
                }
            }
        }
    }
}
