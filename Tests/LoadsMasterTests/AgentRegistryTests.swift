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
}
