import Glibc
import LoadsEventLoop
import LoadsTransport
import LoadsZeroMQ
import Synchronization

/// What the results channel carries: `swift run -c release --package-path Benchmarks transport-benchmark`.
///
/// One agent pushes to one master, each on a loop of its own, for three seconds; messages of 200 bytes and of 20 KB, in
/// memory, over ZeroMQ on loopback, and the same with keys. CPU is user + system time of the process, both ends and
/// libzmq's thread together.
@main enum Main {
    static func main() async throws {
        for size in [200, 20_000] {
            for carrier in Carrier.allCases { try await measure(carrier, size: size) }
        }
    }

    private enum Carrier: String, CaseIterable {
        case memory, tcp
        case curve = "tcp with keys"
    }

    private static func measure(_ carrier: Carrier, size: Int) async throws {
        let masterLoop = EventLoop(name: "master")
        let agentLoop = EventLoop(name: "agent")
        let (master, agent) = try transports(carrier, masterLoop, agentLoop)
        let sink = Sink()
        let source = Source(agent, size: size)
        let port = try await masterLoop.perform { try master.open(sink).resultsPort }
        try await agentLoop.perform {
            try agent.open(source)
            agent.connectResults(host: nil, port: port)
            source.resultsWritable()
        }
        while sink.count.load(ordering: .relaxed) < 1_000 { try await Task.sleep(for: .milliseconds(10)) }
        let (count, cpu, start) = (sink.count.load(ordering: .relaxed), cpuSeconds(), Instant.now)
        try await Task.sleep(for: .seconds(3))
        let messages = Double(sink.count.load(ordering: .relaxed) - count)
        let elapsed = Double(Instant.now.nanoseconds(since: start)) / 1e9
        let used = cpuSeconds() - cpu
        source.isOver.store(true, ordering: .relaxed)
        try await agentLoop.perform { agent.close() }
        try await masterLoop.perform { master.close() }
        await agentLoop.shutdown()
        await masterLoop.shutdown()
        let rate = messages / elapsed
        print(
            "\(carrier.rawValue), \(size) bytes: \(Int(rate)) messages/s, \(Int(rate * Double(size) / 1e6)) MB/s, "
                + "\((used / messages * 1e8).rounded() / 100) µs CPU a message")
    }

    private static func transports(
        _ carrier: Carrier, _ masterLoop: EventLoop, _ agentLoop: EventLoop
    ) throws -> (any MasterTransport, any AgentTransport) {
        if carrier == .memory {
            let hub = InProcessHub()
            return (hub.makeMaster(on: masterLoop), hub.makeAgent(on: agentLoop))
        }
        var keys: (master: MasterKeys, agent: PeerKeys)?
        if carrier == .curve {
            var template = Array("/tmp/loads-keys-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw TransportError(code: .system, message: "no folder for keys") }
            let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            try KeyFolders.makeMaster(folder)
            let agent = try KeyFolders.addPeer("agent", role: .agent, to: folder)
            keys = (try MasterKeys(directory: folder), try PeerKeys(directory: agent))
        }
        // Another one each time: a listener goes a moment after its transport's close.
        let port = ports.add(1, ordering: .relaxed).newValue
        let master = try ZeroMQMaster(
            control: "tcp://127.0.0.1:\(port)", results: "tcp://127.0.0.1:0", stream: "tcp://127.0.0.1:0",
            keys: keys?.master, on: masterLoop)
        return (master, try ZeroMQAgent(master: "tcp://127.0.0.1:\(port)", keys: keys?.agent, on: agentLoop))
    }

    private static let ports = Atomic<Int>(17_780)

    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// A master that counts.
private final class Sink: MasterReceiver {
    let count = Atomic<Int>(0)
    func received(control message: [UInt8], from peer: Peer, _ identity: PeerIdentity) {}
    func received(result message: [UInt8], _ identity: PeerIdentity) { count.add(1, ordering: .relaxed) }
    func subscription(prefix: String, wanted: Bool) {}
    func turnedAway(_ reason: String) {}
}

/// An agent that pushes as much as is taken.
private final class Source: AgentReceiver {
    let isOver = Atomic(false)
    private let transport: any AgentTransport
    private let message: [UInt8]

    init(_ transport: any AgentTransport, size: Int) {
        self.transport = transport
        message = [UInt8](repeating: 7, count: size)
    }

    func received(control message: [UInt8]) {}
    func resultsWritable() {
        // In pieces, so that the loop can be told to stop.
        for _ in 0..<1_000 where !transport.push(message) { return }
        if !isOver.load(ordering: .relaxed) { transport.loop.submit { self.resultsWritable() } }
    }
}

extension EventLoop {
    /// Does something on the loop and waits for it.
    @discardableResult
    fileprivate func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
