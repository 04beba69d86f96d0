import LoadsEventLoop
import LoadsTransport
import TestSupport
import Testing

@testable import LoadsZeroMQ

/// A master in one process whose stream is open to others.
@Suite struct StreamedMasterTests {
    @Test func insideAndOutsideGetTheStreamAndTheirWishesAreJoined() async throws {
        let loop = EventLoop(name: "master")
        let context = ZeroMQContext()
        let hub = InProcessHub()
        let probe = MasterProbe(loop: loop)
        let master = try StreamedMaster(hub.makeMaster(on: loop), stream: "tcp://127.0.0.1:0", context: context)
        let addresses = try await loop.perform { try master.open(probe) }
        #expect(addresses.stream.hasPrefix("tcp://127.0.0.1:"))
        let inside = hub.makeClient(on: loop)
        let insider = PeerProbe()
        // A watcher needs the stream only: its control channel has nobody to talk to.
        let outside = try ZeroMQClient(master: "tcp://127.0.0.1:1", on: loop, context: context)
        let outsider = PeerProbe()
        try await loop.perform {
            try inside.open(insider)
            inside.connectStream(host: nil, port: 1)
            inside.send([1])
            try outside.open(outsider)
            outside.connectStream(host: nil, port: addresses.streamPort)
            outside.subscribe("hits/")
        }
        try await eventually("the wish from outside") { probe.subscriptions == ["+hits/"] }
        try await loop.perform {
            inside.subscribe("hits/")
            inside.subscribe("stats/")
        }
        try await eventually("only the new one") { probe.subscriptions == ["+hits/", "+stats/"] }
        try await loop.perform {
            master.publish([7], topic: "hits/1/")
            master.publish([8], topic: "stats/1/")
        }
        try await eventually("both get theirs") { insider.stream.count == 2 && outsider.stream.count == 1 }
        #expect(outsider.stream.map(\.message) == [[7]])
        #expect(probe.control == [[1]])
        #expect(try await loop.perform { master.send([2], to: probe.peers[0]) })
        try await eventually("the rest goes the inner way") { insider.control == [[2]] }
        try await loop.perform { outside.close() }
        try await loop.perform { inside.unsubscribe("hits/") }
        try await eventually("the last of both") { probe.subscriptions.last == "-hits/" }
        #expect(probe.subscriptions == ["+hits/", "+stats/", "-hits/"])
        try await loop.perform {
            inside.close()
            master.close()
        }
        #expect(await context.end())
        await loop.shutdown()
    }

    @Test func itDoesNotListenBeyondLoopbackWithoutKeysAndLeavesNothingOpen() async throws {
        let loop = EventLoop(name: "master")
        let context = ZeroMQContext()
        let hub = InProcessHub()
        let probe = MasterProbe(loop: loop)
        let refused = try StreamedMaster(hub.makeMaster(on: loop), stream: "tcp://*:0", context: context)
        let error = await #expect(throws: TransportError.self) {
            try await loop.perform { _ = try refused.open(probe) }
        }
        #expect(error?.code == .keys)
        let other = hub.makeMaster(on: loop)
        try await loop.perform {
            _ = try other.open(probe)
            other.close()
        }
        #expect(await context.end())
        await loop.shutdown()
    }
}
