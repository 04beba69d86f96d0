import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Testing

@testable import LoadsMaster

@Suite struct AgentRegistryTests {
    private func hello(_ id: String = "a", _ epoch: String = "1") -> AgentHello {
        AgentHello(
            agent: id, name: id, epoch: epoch, software: "",
            platform: Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"), cores: 2,
            memoryBytes: 1)
    }

    private func peer(_ number: UInt8) -> Peer { Peer(routing: [number]) }
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
    private func registry(_ keys: [String: String] = [:]) -> AgentRegistry {
        AgentRegistry(lease: .seconds(5), grace: .seconds(60), keys: keys)
    }

    private func code(_ welcome: AgentRegistry.Welcome) -> String? {
        if case .refused(let fault) = welcome { fault.code } else { nil }
    }

    @Test func theSameEpochRebindsAndAnotherWaitsForTheEndOfTheLease() {
        var registry = registry()
        #expect(registry.hello(hello(), from: peer(1), .loopback, at: at(0)) == .new)
        #expect(registry.hello(hello(), from: peer(2), .loopback, at: at(1)) == .back)
        #expect(registry.agent(at: peer(1)) == nil && registry.agent(at: peer(2)) == "a")
        #expect(code(registry.hello(hello("a", "2"), from: peer(3), .loopback, at: at(2))) == "duplicate")
        _ = registry.tick(at: at(7))
        #expect(registry.hello(hello("a", "2"), from: peer(3), .loopback, at: at(7)) == .restarted(lostEpoch: "1"))
        #expect(registry.beat(AgentBeat(sent: 0), from: peer(2), at: at(7)) == nil)
    }

    /// The machine may have been restarted: the epoch is in the agent's folder, its monotonic clock began anew.
    @Test func whatWasKnownOfItsClockIsForgottenWithTheConnection() {
        var registry = registry()
        func beat(_ number: UInt8, ahead: Int64, at now: Instant) {
            let clock = now.nanoseconds + ahead
            _ = registry.beat(
                AgentBeat(sent: clock, echo: .init(masterSent: now.nanoseconds - 1_000, received: clock - 500)),
                from: peer(number), at: now)
        }
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(100))
        beat(1, ahead: 50_000_000_000, at: at(100))
        #expect(registry["a"]?.clock.error != nil)
        // Said again on the same connection: the same process.
        #expect(registry.hello(hello(), from: peer(1), .loopback, at: at(101)) == .back)
        #expect(registry["a"]?.clock.error != nil)
        #expect(registry.hello(hello(), from: peer(2), .loopback, at: at(102)) == .back)
        #expect(registry["a"]?.clock.error == nil)
        beat(2, ahead: -90_000_000_000, at: at(103))
        let agentTime = registry["a"]?.clock.agentTime(at(103)) ?? 0
        #expect(abs(agentTime - at(13).nanoseconds) <= 1_000, "\(agentTime)")
    }

    @Test func anAgentThatEndsItsUsersByItselfLeavesUnlessItHadNoMaster() {
        var registry = registry()
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(10))
        // Before this hello, while it had no master.
        registry.left("a", epoch: "1", at: at(9))
        #expect(registry["a"]?.isLeaving == false)
        registry.left("a", epoch: "2", at: at(11))
        #expect(registry["a"]?.isLeaving == false)
        registry.left("a", epoch: "1", at: at(11))
        #expect(registry["a"]?.isLeaving == true)
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(12))
        #expect(registry["a"]?.isLeaving == false)
        registry.left("a", epoch: "1", at: nil)
        #expect(registry["a"]?.isLeaving == true)
    }

    @Test func silenceEndsTheLeaseAndThenTheGrace() {
        var registry = registry()
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(0))
        #expect(registry.tick(at: at(4)).isEmpty)
        #expect(registry.tick(at: at(5)) == [.silent("a")])
        #expect(registry.tick(at: at(59)).isEmpty)
        #expect(registry.beat(AgentBeat(sent: 0), from: peer(1), at: at(59))?.wasSilent == true)
        #expect(registry.tick(at: at(65)) == [.silent("a")])
        #expect(registry.tick(at: at(119)) == [.lost("a")])
        #expect(registry.beat(AgentBeat(sent: 0), from: peer(1), at: at(120)) == nil)
        #expect(registry.hello(hello(), from: peer(1), .loopback, at: at(121)) == .back)
    }

    @Test func aPauseOfTheMastersIsNoSilenceOfAnAgent() {
        var registry = registry()
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(0))
        _ = registry.hello(hello("b"), from: peer(2), .loopback, at: at(0))
        _ = registry.beat(AgentBeat(sent: 0), from: peer(1), at: at(99))
        registry.wasPaused(for: .seconds(97), until: at(100))
        #expect(registry.tick(at: at(100)).isEmpty)
        #expect(registry.tick(at: at(102)) == [.silent("b")])
        #expect(registry.tick(at: at(104)).isEmpty)
        #expect(registry.tick(at: at(105)) == [.silent("a")])
    }

    @Test func aGoodbyeEndsItAtOnce() {
        var registry = registry()
        _ = registry.hello(hello(), from: peer(1), .loopback, at: at(0))
        #expect(registry.goodbye(from: peer(1)) == "a")
        #expect(registry.goodbye(from: peer(1)) == nil)
        #expect(registry.tick(at: at(100)).isEmpty)
        #expect(registry.hello(hello("a", "2"), from: peer(2), .loopback, at: at(1)) == .restarted(lostEpoch: "1"))
    }

    @Test func anIdentityBelongsToTheKeyThatUsedItFirst() {
        var registry = registry(["b": "key-b"])
        let mine = PeerIdentity(roles: [.agent], key: "key-a")
        let other = PeerIdentity(roles: [.agent], key: "key-x")
        #expect(registry.hello(hello(), from: peer(1), mine, at: at(0)) == .new)
        _ = registry.tick(at: at(90))
        #expect(code(registry.hello(hello("a", "2"), from: peer(2), other, at: at(90))) == "duplicate")
        // Also after a restart of the master.
        #expect(code(registry.hello(hello("b"), from: peer(3), other, at: at(0))) == "duplicate")
        #expect(registry.mayReport("a", mine))
        #expect(
            !registry.mayReport("a", other) && !registry.mayReport("a", .loopback) && !registry.mayReport("c", mine))
    }

    @Test func onlyAnAgentsKeyMakesAnAgent() {
        var registry = registry()
        #expect(
            code(registry.hello(hello(), from: peer(1), PeerIdentity(roles: [.client], key: "k"), at: at(0))) == "role")
        #expect(code(registry.hello(hello("a b"), from: peer(1), .loopback, at: at(0))) == "malformed")
        #expect(code(registry.hello(hello(""), from: peer(1), .loopback, at: at(0))) == "malformed")
    }

    @Test func onlyKeysThatChangedAreStored() {
        var registry = registry(["old": "k"])
        let identity = PeerIdentity(roles: [.agent], key: "k")
        #expect(registry.takeChangedKeys() == [:])
        _ = registry.hello(hello("new"), from: peer(1), identity, at: at(0))
        _ = registry.hello(hello("new"), from: peer(2), identity, at: at(0))
        let changed = registry.takeChangedKeys()
        #expect(changed == ["new": "k"])
        #expect(registry.takeChangedKeys() == [:])
        registry.restore(changedKeys: changed)
        #expect(registry.takeChangedKeys() == ["new": "k"])
    }

    @Test func theOldestIdentityOfAKeyThatIsAwayMakesRoom() {
        var registry = registry(Dictionary(uniqueKeysWithValues: (1...999).map { (String(format3($0)), "k") }))
        let identity = PeerIdentity(roles: [.agent], key: "k")
        #expect(registry.hello(hello("001"), from: peer(1), identity, at: at(0)) == .new)
        #expect(registry.hello(hello("x"), from: peer(2), identity, at: at(0)) == .new)
        #expect(registry.keys.count == 1_000)
        #expect(registry.hello(hello("y"), from: peer(3), identity, at: at(0)) == .new)
        // The first lives.
        #expect(registry.keys.count == 1_000 && registry.keys["001"] == "k" && registry.keys["002"] == nil)
        #expect(registry.takeChangedKeys() == ["x": "k", "y": "k", "002": nil])
        // Another's key may have the name now, and the key that had it may not.
        #expect(
            registry.hello(hello("002"), from: peer(4), PeerIdentity(roles: [.agent], key: "l"), at: at(0)) == .new)
        #expect(code(registry.hello(hello("002"), from: peer(5), identity, at: at(0))) == "duplicate")
    }

    @Test func aKeyWithAsManyLivingAgentsAsItMayHaveGetsNoMore() {
        var registry = registry()
        let identity = PeerIdentity(roles: [.agent], key: "k")
        for number in 1...1_000 {
            let peer = Peer(routing: [UInt8(number >> 8), UInt8(number & 255)])
            #expect(registry.hello(hello("a\(number)"), from: peer, identity, at: at(0)) == .new)
        }
        #expect(code(registry.hello(hello("more"), from: Peer(routing: [9, 9, 9]), identity, at: at(0))) == "full")
        #expect(registry.hello(hello("a7"), from: Peer(routing: [9, 9, 8]), identity, at: at(0)) == .back)
    }

    private func format3(_ number: Int) -> String { String(String(1_000 + number).dropFirst()) }
}

/// How often agents are to send, by how many they are.
@Suite struct BatchIntervalTests {
    @Test(
        arguments: [
            (0, 100), (1, 100), (99, 100), (100, 100), (101, 101), (250, 250), (999, 999), (1_000, 1_000),
            (20_000, 1_000),
        ])
    func batchesRelaxAboveAHundredAgents(agents: Int, milliseconds: Int) {
        #expect(MasterSettings.batchInterval(agents: agents) == .milliseconds(milliseconds))
    }

    @Test func everyAgentHearsOfItWithItsNextLease() async throws {
        let scene = try await Scene()
        let agents = (0..<120).map { scene.agent("a\($0)") }
        func interval(_ agent: PlayedAgent) -> Int64? {
            agent.heard.lazy.reversed().compactMap {
                if case .lease(let lease) = $0 { lease.batchInterval } else { nil }
            }
            .first
        }
        for agent in agents { #expect(await eventually { interval(agent) == 120_000_000 }) }
        await scene.end()
    }
}
