import CZeroMQ
import Glibc
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import TestSupport
import Testing

@testable import LoadsZeroMQ

/// Frames that no peer of ours would send: dropped and counted, and nobody else notices.
@Suite struct HostilePeerTests {
    @Test func messagesOfOtherFramesAreDroppedAndCounted() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let raw = RawPeer(ZMQ_DEALER, scene.addresses.control)
            let pusher = RawPeer(ZMQ_PUSH, scene.addresses.results)
            let watcher = RawPeer(ZMQ_XSUB, scene.addresses.stream)
            defer { for peer in [raw, pusher, watcher] { peer.close() } }
            // REQ's empty delimiter, and many frames.
            #expect(raw.send([[], [1]]))
            #expect(raw.send([[UInt8]](repeating: [1], count: 1_000)))
            #expect(pusher.send([[1], [2]]))
            #expect(pusher.send([[UInt8]](repeating: [1], count: 1_000)))
            // Neither a subscription nor its end; a prefix that is no text.
            #expect(watcher.send([[7, 7, 7]]))
            #expect(watcher.send([[]]))
            #expect(watcher.send([[1, 0xff, 0xfe]]))
            #expect(raw.send([[5]]))
            #expect(pusher.send([[6]]))
            #expect(watcher.send([[1] + Array("hits/".utf8)]))
            try await eventually("what is right arrives") {
                scene.master.control == [[5]] && scene.master.results == [[6]]
                    && scene.master.subscriptions == ["+hits/"]
            }
            try await eventually("the others are counted") {
                try await scene.loop.perform { scene.transport.counters.malformed } == 7
            }
        }
    }

    @Test func aMessageThatIsTooLongCutsItsSenderOff() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let good = try await scene.agent(nil)
            try await eventually("the good one") { !scene.master.results.isEmpty && scene.master.control.count == 1 }
            let raw = RawPeer(ZMQ_DEALER, scene.addresses.control)
            let pusher = RawPeer(ZMQ_PUSH, scene.addresses.results)
            let watcher = RawPeer(ZMQ_XSUB, scene.addresses.stream)
            defer { for peer in [raw, pusher, watcher] { peer.close() } }
            let long = [UInt8](repeating: 1, count: WireLimits.messageBytes + 8_192)
            #expect(raw.send([[1]]))
            try await eventually("it is there") { scene.master.control.count == 2 }
            let peer = scene.master.peers[1]
            #expect(raw.send([long]))
            #expect(pusher.send([long]))
            #expect(watcher.send([[1] + long.prefix(100_000)]))
            try await eventually("it is cut off") {
                try await !scene.loop.perform { scene.transport.send([2], to: peer) }
            }
            try await scene.peerLoop.perform {
                good.transport.send([3])
                #expect(good.transport.push([4]))
            }
            try await eventually("the good one goes on") {
                scene.master.control.last == [3] && scene.master.results.last == [4]
            }
            #expect(scene.master.subscriptions.isEmpty)
        }
    }

    @Test func bytesThatAreNoZeroMQAreTurnedAway() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            for address in [scene.addresses.control, scene.addresses.results, scene.addresses.stream] {
                let port = try Endpoint(address).port
                for text in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", String(repeating: "\u{0}", count: 4_096), "\u{ff}"] {
                    let client = try TCPClient(port: port)
                    client.write(Array(text.utf8))
                    client.close()
                }
                // A greeting of ZMTP 3 and then nonsense.
                let client = try TCPClient(port: port)
                client.write(
                    [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48))
                client.write([UInt8](repeating: 0xaa, count: 10_000))
                client.close()
            }
            let agent = try await scene.agent(nil)
            try await eventually("others go on") { !scene.master.control.isEmpty && !scene.master.results.isEmpty }
            #expect(scene.master.control == [Array("hello".utf8)])
            #expect(scene.master.subscriptions.isEmpty)
            #expect(agent.probe.troubles.isEmpty)
        }
    }

    /// Libzmq 4.3.4 ends the process of one who has as much unread as its high-water mark allows, loses the connection,
    /// and then finds a heartbeat to answer or has one to send.
    @Test(arguments: ["DEALER", "PUSH", "SUB"]) func aFloodAHeartbeatAndAResetEndNobody(_ kind: String) async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let address = ["DEALER": scene.addresses.control, "PUSH": scene.addresses.results][kind]
            let clients = try (0..<3).map { _ in try TCPClient(port: Endpoint(address ?? scene.addresses.stream).port) }
            for client in clients { client.greet(as: kind) }
            usleep(300_000)
            let gate = Gate()
            scene.loop.submit { gate.wait() }
            for client in clients {
                // More messages than a mark may be, none of them long.
                let message: [UInt8] = kind == "SUB" ? [0, 3, 1, 120, 121] : [0, 1, 120]
                client.write((0..<2_000).flatMap { _ in message } + [4, 7, 4] + Array("PING".utf8) + [0, 0])
            }
            usleep(300_000)
            for client in clients { client.reset() }
            // Longer than between two heartbeats.
            usleep(2_500_000)
            gate.open()
            let agent = try await scene.agent(nil)
            try await eventually("others go on") {
                scene.master.control.contains(Array("hello".utf8))
                    && scene.master.results.contains(Array("result".utf8))
            }
            #expect(agent.probe.troubles.isEmpty)
        }
    }

    /// A peer may choose its own routing, even that of another: it does not take its place.
    @Test func aRoutingThatIsTakenIsNotHandedOver() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let first = RawPeer(ZMQ_DEALER, scene.addresses.control, routing: "me")
            #expect(first.send([[1]]))
            try await eventually("the first") { scene.master.control == [[1]] }
            let second = RawPeer(ZMQ_DEALER, scene.addresses.control, routing: "me")
            defer { for peer in [first, second] { peer.close() } }
            #expect(second.send([[2]]))
            let peer = scene.master.peers[0]
            #expect(peer.routing == Array("me".utf8))
            // Until another one has come to the same socket and gone through it.
            let third = RawPeer(ZMQ_DEALER, scene.addresses.control)
            defer { third.close() }
            #expect(third.send([[3]]))
            try await eventually("the third") { scene.master.control.contains([3]) }
            #expect(try await scene.loop.perform { scene.transport.send([9], to: peer) })
            try await eventually("the first gets its answer") { first.receive() == [[9]] }
            #expect(scene.master.control == [[1], [3]])
        }
    }

    /// Its own queue and TCP's take some megabytes more.
    @Test func oneThatReadsNothingHoldsSomeMegabytesAndNoMore() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let stalled = RawPeer(ZMQ_SUB, scene.addresses.stream, receiveMark: 1)
            defer { stalled.close() }
            stalled.subscribe("")
            try await eventually("a subscription") { scene.master.subscriptions == ["+"] }
            let message = [UInt8](repeating: 7, count: 256 << 10)
            for _ in 0..<2_000 { try await scene.loop.perform { scene.transport.publish(message, topic: "hits/r/") } }
            var got = 0
            try await eventually("the last one that waited") {
                try await scene.loop.perform { scene.transport.publish([1], topic: "last/") }
                while let frames = stalled.receive(capacity: 1 << 20) {
                    if frames.first == Array("last/".utf8) { return true }
                    got += 1
                }
                return false
            }
            #expect(got >= 256 && got < 600)
        }
    }

    @Test func descriptorsAreGivenBack() async throws {
        func descriptors() -> Int {
            guard let folder = opendir("/proc/self/fd") else { return -1 }
            defer { closedir(folder) }
            var count = 0
            while readdir(folder) != nil { count += 1 }
            return count
        }
        // Other tests run beside this one: a leak would grow with the rounds.
        func round() async throws {
            try await KeyedScene.play { scene in
                for number in 0..<5 {
                    let agent = try await scene.agent(try scene.key("a-\(number)", .agent))
                    try await eventually("hello") { scene.master.control.count > number }
                    try await scene.peerLoop.perform { agent.transport.reconnect() }
                }
                _ = try await scene.client(try scene.key("c", .client))
                _ = try await scene.agent(nil)
            }
        }
        try await round()
        let before = descriptors()
        for _ in 0..<10 { try await round() }
        try await eventually("about as many descriptors as before") { descriptors() < before + 60 }
    }

    @Test func theLastWordsLeaveBeforeTheContextEnds() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let probe = PeerProbe()
            var ended: ZeroMQContext?
            var isShown = false
            // Half a second is what it waits: where the machine keeps the master waiting for longer, once more.
            for round in 1...5 where !isShown {
                let context = ZeroMQContext()
                ended = context
                let agent = try ZeroMQAgent(master: scene.addresses.control, on: scene.peerLoop, context: context)
                let before = scene.master.control.count
                try await scene.peerLoop.perform { try agent.open(probe) }
                #expect(await !context.end())
                try await eventually("a connection") { probe.connections == round }
                try await scene.peerLoop.perform {
                    for number in 0..<500 { agent.send(message(number, padding: 10_000)) }
                    agent.close()
                }
                #expect(await context.end())
                for _ in 0..<2_000 where scene.master.control.count < before + 500 {
                    try await Task.sleep(for: .milliseconds(5))
                }
                isShown = scene.master.control.count == before + 500
            }
            #expect(isShown)
            let context = try #require(ended)
            let late = try ZeroMQAgent(master: scene.addresses.control, on: scene.peerLoop, context: context)
            let error = await #expect(throws: TransportError.self) {
                try await scene.peerLoop.perform { try late.open(probe) }
            }
            #expect(error?.code == .system)
        }
    }
}
