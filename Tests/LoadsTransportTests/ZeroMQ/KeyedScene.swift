import CZeroMQ
import Glibc
import LoadsEventLoop
import LoadsTransport
import Synchronization
import TestSupport
import Testing

@testable import LoadsZeroMQ

/// A master with real sockets, with keys or without, and those who come to it.
final class KeyedScene: Sendable {
    let context = ZeroMQContext()
    let loop = EventLoop(name: "master")
    let peerLoop = EventLoop(name: "peers")
    let master: MasterProbe
    let transport: ZeroMQMaster
    let addresses: MasterAddresses
    /// The master's folder of keys.
    let keys: String
    private let directory: TemporaryDirectory
    private let closers = Mutex<[Closer]>([])

    private struct Closer: Sendable { let close: @Sendable () -> Void }

    private init(withKeys: Bool) async throws {
        let directory = try TemporaryDirectory(prefix: "keyed")
        self.directory = directory
        keys = directory.path + "/keys"
        if withKeys { try KeyFolders.makeMaster(keys) }
        master = MasterProbe(loop: loop)
        let anywhere = "tcp://127.0.0.1:0"
        transport = try ZeroMQMaster(
            control: anywhere, results: anywhere, stream: anywhere,
            keys: withKeys ? MasterKeys(directory: keys) : nil, on: loop, context: context)
        addresses = try await loop.perform { [transport, master] in try transport.open(master) }
    }

    static func play(withKeys: Bool = true, _ body: (KeyedScene) async throws -> Void) async throws {
        let scene = try await KeyedScene(withKeys: withKeys)
        let result: Result<Void, any Error>
        do { result = .success(try await body(scene)) } catch { result = .failure(error) }
        let closers = scene.closers.withLock { $0 }
        try await scene.peerLoop.perform { for closer in closers { closer.close() } }
        try await scene.loop.perform { scene.transport.close() }
        #expect(await scene.context.end())
        await scene.loop.shutdown()
        await scene.peerLoop.shutdown()
        try result.get()
    }

    /// A key that the master knows.
    func key(_ name: String, _ role: PeerRole) throws -> PeerKeys {
        try PeerKeys(directory: KeyFolders.addPeer(name, role: role, to: keys))
    }

    /// A key that the master does not know.
    func strangersKey() throws -> PeerKeys {
        PeerKeys(role: .agent, own: .generate(), master: try KeyFile.publicKey(keys + "/master.public"))
    }

    /// Opens an agent's transport that says hello, and pushes a result as soon as it can.
    func agent(_ keys: PeerKeys?) async throws -> (transport: ZeroMQAgent, probe: PeerProbe) {
        let transport = try ZeroMQAgent(master: addresses.control, keys: keys, on: peerLoop, context: context)
        let probe = PeerProbe()
        probe.onWritable.set { _ = transport.push(Array("result".utf8)) }
        closers.withLock { $0.append(Closer { transport.close() }) }
        let port = addresses.resultsPort
        try await peerLoop.perform {
            try transport.open(probe)
            transport.connectResults(host: nil, port: port)
            transport.send(Array("hello".utf8))
            _ = transport.push(Array("result".utf8))
        }
        return (transport, probe)
    }

    /// Opens a client's transport that says hello and subscribes to everything.
    func client(_ keys: PeerKeys?) async throws -> (transport: ZeroMQClient, probe: PeerProbe) {
        let transport = try ZeroMQClient(master: addresses.control, keys: keys, on: peerLoop, context: context)
        let probe = PeerProbe()
        closers.withLock { $0.append(Closer { transport.close() }) }
        let port = addresses.streamPort
        try await peerLoop.perform {
            try transport.open(probe)
            transport.connectStream(host: nil, port: port)
            transport.subscribe("all/")
            transport.send(Array("hello".utf8))
        }
        return (transport, probe)
    }

    /// Identities of those whose messages reached the master, by channel.
    var controlIdentities: [PeerIdentity] { master.seen.withLock { $0.control.map(\.identity) } }
    var resultIdentities: [PeerIdentity] { master.seen.withLock { $0.results.map(\.identity) } }

    func turnedAway(_ part: String) -> Bool { master.turnedAway.contains { $0.contains(part) } }
}
