import LoadsEventLoop
import LoadsTransport
import TestSupport
import Testing

@testable import LoadsZeroMQ

/// Nothing listens or connects beyond this machine without keys.
@Suite struct BeyondLoopbackTests {
    private let anywhere = "tcp://127.0.0.1:0"

    private func withLoop(_ body: (EventLoop, ZeroMQContext) async throws -> Void) async throws {
        let loop = EventLoop(name: "beyond")
        let context = ZeroMQContext()
        try await body(loop, context)
        #expect(await context.end())
        await loop.shutdown()
    }

    @Test(arguments: [0, 1, 2], ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://192.0.2.1:7780"])
    func aMasterWithoutKeysDoesNotListen(_ channel: Int, _ address: String) async throws {
        try await withLoop { loop, context in
            var addresses = [anywhere, anywhere, anywhere]
            addresses[channel] = address
            let master = try ZeroMQMaster(
                control: addresses[0], results: addresses[1], stream: addresses[2], on: loop, context: context)
            let probe = MasterProbe(loop: loop)
            let error = await #expect(throws: TransportError.self) {
                try await loop.perform { _ = try master.open(probe) }
            }
            #expect(error?.code == .keys)
            for part in [address, "loads keys master --dir", "loads keys agent NAME --dir"] {
                #expect(error?.message.contains(part) == true)
            }
        }
    }

    @Test(arguments: ["tcp://192.0.2.1:7780", "tcp://load.example.org:7780"])
    func nobodyWithoutKeysConnects(_ address: String) async throws {
        try await withLoop { loop, context in
            let agent = try ZeroMQAgent(master: address, on: loop, context: context)
            let client = try ZeroMQClient(master: address, on: loop, context: context)
            let watcher = try ZeroMQClient(master: address, role: .watcher, on: loop, context: context)
            let probe = PeerProbe()
            // Each is told to get a key of its own kind.
            let attempts: [@Sendable () throws -> Void] = [
                { try agent.open(probe) }, { try client.open(probe) }, { try watcher.open(probe) },
            ]
            for (role, open) in zip(["agent", "client", "watcher"], attempts) {
                let error = await #expect(throws: TransportError.self) { try await loop.perform(open) }
                #expect(error?.code == .keys)
                #expect(error?.message.contains("loads keys \(role) NAME --dir") == true, "\(role)")
            }
        }
    }

    /// The welcome may name another host for results and stream: it comes from a master that proved nothing.
    @Test func aMasterCannotSendAPeerBeyondLoopbackWithoutKeys() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let agent = try await scene.agent(nil)
            let client = try await scene.client(nil)
            try await scene.peerLoop.perform {
                agent.transport.connectResults(host: "192.0.2.1", port: 7781)
                client.transport.connectStream(host: "192.0.2.1", port: 7782)
                #expect(!agent.transport.push([1]))
            }
            #expect(agent.probe.troubles.contains { $0.contains("tcp://192.0.2.1:7781") })
            #expect(client.probe.troubles.contains { $0.contains("tcp://192.0.2.1:7782") })
        }
    }

    @Test(arguments: ["tcp://*:0", "tcp://0.0.0.0:0"])
    func aMasterWithKeysListensEverywhere(_ address: String) async throws {
        let directory = try TemporaryDirectory(prefix: "beyond")
        let keys = directory.path + "/keys"
        try KeyFolders.makeMaster(keys)
        let folder = try KeyFolders.addPeer("a-1", role: .agent, to: keys)
        try await withLoop { loop, context in
            let master = try ZeroMQMaster(
                control: address, results: address, stream: address, keys: MasterKeys(directory: keys), on: loop,
                context: context)
            let probe = MasterProbe(loop: loop)
            let addresses = try await loop.perform { try master.open(probe) }
            #expect(addresses.control.hasPrefix(address.dropLast()) && !addresses.control.hasSuffix(":0"))
            let port = try Endpoint(addresses.control).port
            let agent = try ZeroMQAgent(
                master: "tcp://127.0.0.1:\(port)", keys: PeerKeys(directory: folder), on: loop, context: context)
            let peer = PeerProbe()
            try await loop.perform {
                try agent.open(peer)
                agent.send([1])
            }
            try await eventually("hello") { probe.control == [[1]] }
            try await loop.perform {
                agent.close()
                master.close()
            }
        }
    }

    @Test func anAddressInUseIsNamed() async throws {
        try await KeyedScene.play(withKeys: false) { scene in
            let second = try ZeroMQMaster(
                control: scene.addresses.control, results: anywhere, stream: anywhere, on: scene.loop,
                context: scene.context)
            let error = await #expect(throws: TransportError.self) {
                try await scene.loop.perform { _ = try second.open(scene.master) }
            }
            #expect(error?.code == .bind)
            #expect(error?.message.contains("\(scene.addresses.control)") == true)
            #expect(error?.message.contains("--control") == true)
        }
    }
}
