import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Testing

@testable import LoadsMaster

@Suite struct IntroductionsTests {
    private func hello(_ id: String = "a", name: String = "n") -> AgentHello {
        AgentHello(
            agent: id, name: name, epoch: "1", software: "",
            platform: Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"), cores: 2,
            memoryBytes: 1)
    }

    private func peer(_ number: Int) -> Peer { Peer(routing: [UInt8(number >> 8), UInt8(number & 255)]) }
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
    private func beat(_ echo: Int64?) -> AgentBeat {
        AgentBeat(sent: 0, echo: echo.map { AgentBeat.Echo(masterSent: $0, received: 0) })
    }

    @Test func onlyWhatWasSaidOnThatConnectionProvesAHello() {
        var introductions = Introductions(patience: .seconds(5))
        #expect(introductions.take(hello(), from: peer(1), .loopback, said: 10, at: at(0)) == true)
        #expect(introductions.take(hello(), from: peer(2), .loopback, said: 20, at: at(0)) == true)
        #expect(introductions.proven(by: beat(nil), from: peer(1)) == nil)
        #expect(introductions.proven(by: beat(20), from: peer(1)) == nil)
        #expect(introductions.proven(by: beat(10), from: peer(3)) == nil)
        #expect(introductions.proven(by: beat(10), from: peer(1))?.hello == hello())
        #expect(!introductions.isWaiting(peer(1)) && introductions.isWaiting(peer(2)))
        // Once.
        #expect(introductions.proven(by: beat(10), from: peer(1)) == nil)
        introductions.told(30, to: peer(2))
        #expect(introductions.proven(by: beat(30), from: peer(2))?.hello == hello())
    }

    @Test func aHelloSaidTwiceIsTheLaterOneAndEitherAnswerProvesIt() {
        var introductions = Introductions(patience: .seconds(5))
        _ = introductions.take(hello(name: "old"), from: peer(1), .loopback, said: 10, at: at(0))
        introductions.hold(.goodbye(reason: "x"), from: peer(1))
        _ = introductions.take(hello(name: "new"), from: peer(1), .loopback, said: 20, at: at(1))
        let proven = introductions.proven(by: beat(10), from: peer(1))
        #expect(proven?.hello.name == "new" && proven?.held == [.goodbye(reason: "x")])
        // As somebody else it is somebody else.
        _ = introductions.take(hello("a"), from: peer(1), .loopback, said: 30, at: at(1))
        introductions.hold(.goodbye(reason: "x"), from: peer(1))
        _ = introductions.take(hello("b"), from: peer(1), .loopback, said: 40, at: at(1))
        #expect(introductions.proven(by: beat(30), from: peer(1)) == nil)
        #expect(introductions.proven(by: beat(40), from: peer(1))?.held == [])
    }

    @Test func whatIsSaidBeforeTheProofIsKeptWithinBounds() {
        var introductions = Introductions(patience: .seconds(5))
        introductions.hold(.goodbye(reason: "nobody"), from: peer(1))
        _ = introductions.take(hello(), from: peer(1), .loopback, said: 10, at: at(0))
        let said = (0..<100).map { AgentMessage.fetch(hash: "h", offset: $0, bytes: 1) }
        for message in said { introductions.hold(message, from: peer(1)) }
        #expect(
            introductions.proven(by: beat(10), from: peer(1))?.held == Array(said.prefix(Introductions.heldLimit)))
    }

    @Test func whoeverProvesNothingIsGivenUp() {
        var introductions = Introductions(patience: .seconds(5))
        _ = introductions.take(hello("a"), from: peer(1), .loopback, said: 10, at: at(0))
        _ = introductions.take(hello("b"), from: peer(2), .loopback, said: 10, at: at(3))
        #expect(introductions.tick(at: at(4)) == [])
        #expect(introductions.tick(at: at(5)) == [hello("a")])
        #expect(introductions.proven(by: beat(10), from: peer(1)) == nil && introductions.isWaiting(peer(2)))
    }

    /// Old hellos of one agent, sent again and again, keep neither it nor others out.
    @Test func theOldestOfAnIdentityMakesRoom() {
        var introductions = Introductions(patience: .seconds(5))
        for number in 1...100 {
            #expect(introductions.take(hello(), from: peer(number), .loopback, said: Int64(number), at: at(0)) == true)
        }
        #expect((1...100).filter { introductions.isWaiting(peer($0)) } == [97, 98, 99, 100])
        for number in 101...(100 + Introductions.limit - 4) {
            let id = "a\(number)"
            #expect(introductions.take(hello(id), from: peer(number), .loopback, said: 1, at: at(0)) == true)
        }
        #expect(introductions.take(hello("more"), from: peer(60_000), .loopback, said: 1, at: at(0)) == false)
        #expect(introductions.take(hello("a101"), from: peer(101), .loopback, said: 1, at: at(0)) == true)
        #expect(introductions.tick(at: at(9)).count == Introductions.limit)
        #expect(introductions.take(hello("more"), from: peer(60_000), .loopback, said: 1, at: at(0)) == true)
    }
}
