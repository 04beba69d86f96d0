import Foundation
import Glibc
import LoadsEventLoop
import LoadsTransport
import Synchronization
import TestSupport
import Testing

@testable import LoadsZeroMQ

/// A network that swallows everything without a word: no end of file, no reset.
@Suite struct FrozenNetworkTests {
    @Test func bothSidesNoticeAndTheAgentComesBack() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let relay = try Relay(to: Endpoint(scene.addresses.control).port)
            defer { relay.stop() }
            let agent = try ZeroMQAgent(
                master: "tcp://127.0.0.1:\(relay.port)", on: scene.peerLoop, context: scene.context)
            let probe = PeerProbe()
            try await scene.peerLoop.perform {
                try agent.open(probe)
                agent.send([1])
            }
            try await eventually("hello") { scene.master.control == [[1]] }
            let peer = scene.master.peers[0]
            // The hello may be there before the agent is told of its connection.
            try await eventually("a connection") { probe.connections >= 1 }
            #expect(probe.connections == 1)
            relay.isFrozen.store(true, ordering: .relaxed)
            try await eventually("the master notices") {
                try await !scene.loop.perform { scene.transport.send([2], to: peer) }
            }
            // What was on its way when the network froze comes late, or never: both ends have given it up.
            relay.isFrozen.store(false, ordering: .relaxed)
            try await eventually("another connection") { probe.connections >= 2 }
            try await scene.peerLoop.perform { agent.send([3]) }
            try await eventually("hello again") { scene.master.control.last == [3] }
            #expect(scene.master.peers.last != peer)
            try await scene.peerLoop.perform { agent.close() }
        }
    }
}

/// Passes bytes between whoever connects and a port of 127.0.0.1, until it is frozen.
private final class Relay: Sendable {
    let port: Int
    let isFrozen = Atomic(false)
    private let isOver = Atomic(false)
    private let listener: Int32
    private let target: Int

    init(to target: Int) throws {
        self.target = target
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = Self.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                    && listen(descriptor, 16) == 0
            }
        }
        guard isListening else { throw SupportError("no relay: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { self.run() }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    /// One thread for everything, which looks every few milliseconds: this is about correctness, not speed.
    private func run() {
        var pairs: [(Int32, Int32)] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        _ = fcntl(listener, F_SETFL, O_NONBLOCK)
        while !isOver.load(ordering: .relaxed) {
            usleep(2_000)
            if isFrozen.load(ordering: .relaxed) { continue }
            let incoming = accept(listener, nil, nil)
            if incoming >= 0, let outgoing = connectToTarget() { pairs.append((incoming, outgoing)) }
            pairs.removeAll { pair in
                let lives = pass(from: pair.0, to: pair.1, &buffer) && pass(from: pair.1, to: pair.0, &buffer)
                if !lives {
                    close(pair.0)
                    close(pair.1)
                }
                return !lives
            }
        }
        for pair in pairs {
            close(pair.0)
            close(pair.1)
        }
        close(listener)
    }

    private func pass(from source: Int32, to target: Int32, _ buffer: inout [UInt8]) -> Bool {
        let count = recv(source, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0 { return errno == EAGAIN }
        if count == 0 { return false }
        return send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count
    }

    private func connectToTarget() -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isConnected { return descriptor }
        close(descriptor)
        return nil
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }
}
