import LoadsEventLoop
import LoadsTransport
import Testing

@testable import LoadsZeroMQ

/// Who may say what to a master with keys. Real sockets, real CURVE.
@Suite struct RoleTests {
    @Test func anAgentsKeyOpensControlAndResults() async throws {
        try await KeyedScene.play { scene in
            let agent = try await scene.agent(try scene.key("a-1", .agent))
            let expected = PeerIdentity(roles: [.agent], key: "a-1")
            try await eventually("hello and result") {
                !scene.controlIdentities.isEmpty && !scene.resultIdentities.isEmpty
            }
            #expect(scene.controlIdentities == [expected])
            #expect(Set(scene.resultIdentities) == [expected])
            let peer = scene.master.peers[0]
            #expect(try await scene.loop.perform { scene.transport.send([1, 2], to: peer) })
            try await eventually("an answer") { agent.probe.control == [[1, 2]] }
            #expect(scene.master.turnedAway.isEmpty)
            #expect(agent.probe.troubles.isEmpty)
        }
    }

    @Test(arguments: [PeerRole.client, .watcher])
    func aClientsAndAWatchersKeyOpenControlAndStream(_ role: PeerRole) async throws {
        try await KeyedScene.play { scene in
            let client = try await scene.client(try scene.key("c-1", role))
            try await eventually("hello and subscription") {
                !scene.controlIdentities.isEmpty && scene.master.subscriptions == ["+all/"]
            }
            #expect(scene.controlIdentities == [PeerIdentity(roles: [role], key: "c-1")])
            try await scene.loop.perform { scene.transport.publish([9], topic: "all/1") }
            try await eventually("the stream") { client.probe.stream.count == 1 }
            #expect(scene.master.turnedAway.isEmpty)
        }
    }

    @Test(arguments: [PeerRole.client, .watcher])
    func aKeyOfAnotherRoleNeverReachesTheResults(_ role: PeerRole) async throws {
        try await KeyedScene.play { scene in
            let begin = Instant.now
            let agent = try await scene.agent(try scene.key("c-1", role))
            try await eventually("turned away, and told on both sides") {
                scene.turnedAway("at results: its key c-1 is for: \(role.rawValue)") && !agent.probe.troubles.isEmpty
            }
            #expect(agent.probe.troubles.contains { $0.contains("turns this key away") })
            try await eventually("it tries again and again") {
                try await scene.loop.perform { scene.transport.counters.turnedAway } >= 3
            }
            #expect(scene.resultIdentities.isEmpty)
            // It is told once in ten seconds.
            let seconds = Instant.now.nanoseconds(since: begin) / 1_000_000_000
            #expect((1...1 + Int(seconds / 10)).contains(scene.master.turnedAway.count))
        }
    }

    @Test func anAgentsKeyNeverReachesTheStream() async throws {
        try await KeyedScene.play { scene in
            let client = try await scene.client(try scene.key("a-1", .agent))
            try await eventually("turned away") { scene.turnedAway("at stream: its key a-1 is for: agent") }
            try await scene.loop.perform { scene.transport.publish([9], topic: "all/1") }
            try await eventually("it tries again") {
                try await scene.loop.perform { scene.transport.counters.turnedAway } >= 3
            }
            #expect(scene.master.subscriptions.isEmpty)
            #expect(client.probe.stream.isEmpty)
        }
    }

    @Test func aStrangersKeyNeverReachesAnything() async throws {
        try await KeyedScene.play { scene in
            let agent = try await scene.agent(try scene.strangersKey())
            let client = try await scene.client(try scene.strangersKey())
            try await eventually("turned away everywhere") {
                ["at control: nobody", "at results: nobody", "at stream: nobody"].allSatisfy(scene.turnedAway)
            }
            try await eventually("told to both") {
                !agent.probe.troubles.isEmpty && !client.probe.troubles.isEmpty
            }
            #expect(scene.controlIdentities.isEmpty && scene.resultIdentities.isEmpty)
            #expect(scene.master.subscriptions.isEmpty)
            #expect(agent.probe.connections == 0)
        }
    }

    @Test func aPeerWithoutAKeyNeverReachesAnything() async throws {
        try await KeyedScene.play { scene in
            let agent = try await scene.agent(nil)
            let client = try await scene.client(nil)
            try await eventually("turned away everywhere") {
                ["control", "results", "stream"].allSatisfy {
                    scene.turnedAway("a peer without a key was turned away at \($0)")
                }
            }
            try await eventually("told to both") {
                [agent.probe, client.probe].allSatisfy { $0.troubles.contains { $0.contains("--keys") } }
            }
            #expect(scene.controlIdentities.isEmpty && scene.resultIdentities.isEmpty)
            #expect(scene.master.subscriptions.isEmpty)
        }
    }

    @Test func aPeerThatTrustsAnotherMasterNeverReachesAnything() async throws {
        try await KeyedScene.play { scene in
            let right = try scene.key("a-1", .agent)
            let wrong = PeerKeys(role: .agent, own: right.own, master: KeyPair.generate().publicKey)
            let agent = try await scene.agent(wrong)
            try await eventually("turned away") { scene.turnedAway("trusts another master") }
            try await eventually("told") { !agent.probe.troubles.isEmpty }
            #expect(scene.controlIdentities.isEmpty && scene.resultIdentities.isEmpty)
        }
    }

    @Test func aPeerWithAKeyDoesNotTalkToAMasterWithoutOne() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let keys = PeerKeys(role: .agent, own: .generate(), master: KeyPair.generate().publicKey)
            let agent = try await scene.agent(keys)
            try await eventually("told") { agent.probe.troubles.contains { $0.contains("uses no keys") } }
            #expect(scene.controlIdentities.isEmpty && scene.resultIdentities.isEmpty)
        }
    }

    @Test func aKeyThatIsAddedLaterCountsWithoutARestart() async throws {
        try await KeyedScene.play { scene in
            let stranger = try scene.strangersKey()
            let agent = try await scene.agent(stranger)
            try await eventually("turned away") { !agent.probe.troubles.isEmpty }
            try KeyFile.write(stranger.own.publicKey, to: scene.keys + "/agents/late.public", secret: false)
            try await eventually("hello") { !scene.controlIdentities.isEmpty && !scene.resultIdentities.isEmpty }
            #expect(scene.controlIdentities.first == PeerIdentity(roles: [.agent], key: "late"))
        }
    }

    @Test func aSecondMasterInTheProcessHasItsOwnKeys() async throws {
        try await KeyedScene.play { first in
            let other = first.keys + "-2"
            try KeyFolders.makeMaster(other)
            let probe = MasterProbe(loop: first.loop)
            let transport = try ZeroMQMaster(
                control: "tcp://127.0.0.1:0", results: "tcp://127.0.0.1:0", stream: "tcp://127.0.0.1:0",
                keys: MasterKeys(directory: other), on: first.loop, context: first.context)
            let addresses = try await first.loop.perform { try transport.open(probe) }
            // Known to the first, and tells it to the second.
            let known = try first.key("a-1", .agent)
            let keys = PeerKeys(role: .agent, own: known.own, master: try KeyFile.publicKey(other + "/master.public"))
            let agent = try ZeroMQAgent(
                master: addresses.control, keys: keys, on: first.peerLoop, context: first.context)
            let peer = PeerProbe()
            try await first.peerLoop.perform {
                try agent.open(peer)
                agent.send([1])
            }
            try await eventually("turned away") { probe.turnedAway.contains { $0.contains("nobody here knows") } }
            #expect(probe.control.isEmpty && first.master.turnedAway.isEmpty)
            try await first.peerLoop.perform { agent.close() }
            try await first.loop.perform { transport.close() }
        }
    }
}
