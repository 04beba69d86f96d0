import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

/// An agent that does what its test tells it, and by itself only what is polite: it greets, beats, prepares and starts.
final class PlayedAgent: AgentReceiver, @unchecked Sendable {
    // @unchecked: the transport is made once and called on its loop; everything else is behind the mutex.

    struct State {
        var heard: [MasterMessage] = []
        var orders: [AgentOrder] = []
        var acknowledged: [String: UInt64] = [:]
        var sequences: [String: UInt64] = [:]
        var held: Set<String> = []
        var beats = true
        var polite = true
        /// Results that are not acknowledged, as it says.
        var waiting = 0
        /// Whether its first beat lets the master estimate its clock.
        var showsClock = true
        /// Whether it says nothing but hello, as one does whose old hello somebody else says again.
        var isDeaf = false
    }

    let hello: AgentHello
    let state = Mutex(State())
    private let transport: any AgentTransport

    init(
        _ id: String, on hub: InProcessHub, loop: EventLoop, epoch: String = "00000000000000aa", cores: Int = 1,
        labels: [String: String] = [:],
        platform: Platform = Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"),
        polite: Bool = true, held: [String: UInt64] = [:], isDeaf: Bool = false
    ) {
        hello = AgentHello(
            agent: id, name: id, epoch: epoch, software: "played", platform: platform, cores: cores,
            memoryBytes: 1 << 30, labels: labels, builtIn: ["url"])
        state.withLock { state in
            (state.polite, state.isDeaf) = (polite, isDeaf)
            (state.held, state.sequences) = (Set(held.keys), held)
        }
        transport = hub.makeAgent(on: loop)
        loop.submit { try? self.transport.open(self) }
    }

    func connected() { greet() }

    func greet() {
        var hello = hello
        hello.runs = state.withLock { state in
            state.held.map {
                AgentHello.HeldRun(run: $0, sequence: state.sequences[$0] ?? 0, running: true)
            }
        }
        transport.send(AgentMessage.hello(hello).encoded())
    }

    func received(control message: [UInt8]) {
        guard let message = try? MasterMessage(decoding: message) else { return }
        let (polite, isDeaf) = state.withLock { state in
            state.heard.append(message)
            return (state.polite, state.isDeaf)
        }
        if isDeaf { return }
        switch message {
        case .welcome(let welcome):
            transport.connectResults(host: welcome.host, port: welcome.resultsPort)
            // What was received after it was answered tells nothing of its clock.
            let received = state.withLock { $0.showsClock } ? Instant.now.nanoseconds : .max
            beat(echo: AgentBeat.Echo(masterSent: welcome.sent, received: received))
        case .run(let order):
            state.withLock { state in
                state.orders.append(order)
                state.held.insert(order.run)
            }
            if polite { transport.send(AgentMessage.status(run: order.run, .ready).encoded()) }
        case .start(let run, _): if polite { report(run, .started(late: 0.001)) }
        case .stop(let run, _, _): if polite { end(run, .finished(interrupted: true, seconds: 1)) }
        case .ack(let run, _, let sequence): state.withLock { $0.acknowledged[run] = sequence }
        default: break
        }
    }

    func resultsWritable() {}

    /// Beats once, and then again every 50 ms while it is wanted.
    func beat(echo: AgentBeat.Echo? = nil) {
        let beat = AgentBeat(
            sent: Instant.now.nanoseconds, echo: echo, spoolMessages: state.withLock { $0.waiting })
        transport.send(AgentMessage.beat(beat).encoded())
        // On the loop: a beat must not wait for a thread of those that all tests share.
        let loop = transport.loop
        Task(executorPreference: loop) { [weak self] in
            // A loop that ends wakes who sleeps: that is no beat.
            guard (try? await loop.sleep(for: .milliseconds(50))) != nil, let self, self.state.withLock({ $0.beats })
            else { return }
            self.onLoop { $0.beat() }
        }
    }

    // MARK: For the test, from any thread

    func onLoop(_ body: @escaping @Sendable (PlayedAgent) -> Void) { transport.loop.submit { body(self) } }

    func say(_ message: AgentMessage) { onLoop { $0.transport.send(message.encoded()) } }

    func report(_ run: String, _ report: RunnerReport) {
        for bytes in report.encoded() { push(run, .report(bytes)) }
    }

    func end(_ run: String, _ end: RunnerEnd) { push(run, .ended(end)) }

    @discardableResult
    func push(_ run: String, _ content: ResultMessage.Content, sequence: UInt64? = nil, agent: String? = nil) -> UInt64
    {
        let number = state.withLock { state in
            if let sequence { return sequence }
            state.sequences[run, default: 0] += 1
            return state.sequences[run]!
        }
        let message = ResultMessage(
            run: run, agent: agent ?? hello.agent, epoch: hello.epoch, sequence: number, content: content)
        onLoop { _ = $0.transport.push(message.encoded()) }
        return number
    }

    func reconnect() { onLoop { $0.transport.reconnect() } }

    func close() {
        state.withLock { $0.beats = false }
        onLoop { $0.transport.close() }
    }

    var heard: [MasterMessage] { state.withLock { $0.heard } }
    var isWelcome: Bool { heard.contains { if case .welcome = $0 { true } else { false } } }
    /// Whether the master counts on it: a beat was answered.
    var isTakenIn: Bool { heard.contains { if case .lease = $0 { true } else { false } } }
    func order(_ run: String) -> AgentOrder? { state.withLock { $0.orders.last { $0.run == run } } }
    func acknowledged(_ run: String) -> UInt64 { state.withLock { $0.acknowledged[run] ?? 0 } }
    func started(_ run: String) -> Bool {
        heard.contains { if case .start(run, _) = $0 { true } else { false } }
    }
}

/// A client that asks one question after the other.
final class PlayedClient: ClientReceiver, @unchecked Sendable {
    // @unchecked: like the agent's.
    private struct State {
        var last = 0
        var answers: [Int: [ClientAnswer.Answer]] = [:]
        var stream: [(topic: String, message: StreamMessage)] = []
    }

    private let state = Mutex(State())
    private let transport: any ClientTransport

    init(on hub: InProcessHub, loop: EventLoop) {
        transport = hub.makeClient(on: loop)
        loop.submit { try? self.transport.open(self) }
    }

    func received(control message: [UInt8]) {
        let answer: ClientAnswer
        do { answer = try ClientAnswer(decoding: message) } catch {
            Issue.record("\(error)")
            return
        }
        state.withLock { $0.answers[answer.id, default: []].append(answer.answer) }
    }

    func received(topic: String, _ message: [UInt8]) {
        guard let message = try? StreamMessage(decoding: message) else { return }
        state.withLock { $0.stream.append((topic, message)) }
    }

    func ask(_ ask: ClientRequest.Ask) async -> ClientAnswer.Answer? {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        transport.loop.submit { self.transport.send(ClientRequest(id: id, ask: ask).encoded()) }
        await eventually { self.state.withLock { $0.answers[id] != nil } }
        return state.withLock { $0.answers[id]?.first }
    }

    func subscribe(_ prefix: String) {
        transport.loop.submit {
            self.transport.connectStream(host: nil, port: 1)
            self.transport.subscribe(prefix)
        }
    }

    func unsubscribe(_ prefix: String) { transport.loop.submit { self.transport.unsubscribe(prefix) } }

    var stream: [(topic: String, message: StreamMessage)] { state.withLock { $0.stream } }
}

/// Waits until something is so, for two minutes at most.
@discardableResult
func eventually(_ condition: () async -> Bool) async -> Bool {
    for _ in 0..<12_000 {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
