import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import LoadsZeroMQ

/// An agent whose runner exists on paper only: to its master it is one like any other. Confined to its loop.
final class SimulatedAgent: AgentReceiver, @unchecked Sendable {
    // @unchecked: see above.
    let id: String
    let transport: ZeroMQAgent
    private let number: Int
    private let epoch: String
    private let scenario: Scenario
    private var beatTimer: LoopTimer?
    private var batchTimer: LoopTimer?
    private var beats = 0
    private var echo: AgentBeat.Echo?
    private var batchInterval = Duration.milliseconds(100)

    private var run = ""
    private var start = Instant(nanoseconds: 0)
    private var reportedUntil = 0.0
    private var batches = 0
    private var hasEnded = false

    /// Results that are not acknowledged, and when each was made, the first `inFlight` of them sent.
    private var spool: [[UInt8]] = []
    private var made: [Instant] = []
    /// When the master was heard last.
    private var heard = Instant.now
    private var spoolBytes = 0
    private var inFlight = 0
    private var inFlightBytes = 0
    private var firstSequence: UInt64 = 1
    private var lastProgress = Instant.now

    private(set) var isWelcome = false
    private(set) var sentHits = 0
    private(set) var sentBatches = 0
    private(set) var resent = 0
    /// Seconds from a result to its acknowledgement, at most.
    private(set) var slowest = 0.0
    private(set) var faults: [String] = []
    var isDone: Bool { hasEnded && spool.isEmpty }
    var waiting: Int { spool.count }

    init(_ number: Int, master: String, _ scenario: Scenario, on loop: EventLoop) throws {
        self.number = number
        self.scenario = scenario
        id = "agent-\(number)"
        let digits = String(number, radix: 16)
        epoch = String(repeating: "a", count: 16 - digits.count) + digits
        transport = try ZeroMQAgent(master: master, on: loop)
        beatTimer = LoopTimer { [unowned self] in beat() }
        batchTimer = LoopTimer { [unowned self] in report() }
    }

    func open() throws { try transport.open(self) }

    func close() {
        if let beatTimer { transport.loop.cancel(beatTimer) }
        if let batchTimer { transport.loop.cancel(batchTimer) }
        transport.close()
    }

    // MARK: Control

    func connected() {
        transport.send(
            AgentMessage.hello(
                AgentHello(
                    agent: id, name: id, epoch: epoch, software: "master-benchmark",
                    platform: Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"), cores: 4,
                    memoryBytes: 1 << 33, builtIn: ["url"])
            ).encoded())
    }

    func trouble(_ trouble: TransportError) { faults.append(trouble.message) }

    func received(control message: [UInt8]) {
        heard = .now
        do { try take(MasterMessage(decoding: message)) } catch { faults.append("\(error)") }
    }

    private func take(_ message: MasterMessage) {
        switch message {
        case .welcome(let welcome):
            echo = AgentBeat.Echo(masterSent: welcome.sent, received: Instant.now.nanoseconds)
            batchInterval = .nanoseconds(welcome.batchInterval)
            transport.connectResults(host: welcome.host, port: welcome.resultsPort)
            if !isWelcome { beat() }
            isWelcome = true
            sendAgain()
        case .lease(let lease):
            echo = AgentBeat.Echo(masterSent: lease.sent, received: Instant.now.nanoseconds)
            batchInterval = .nanoseconds(lease.batchInterval)
        case .run(let order):
            run = order.run
            transport.send(AgentMessage.status(run: run, .ready).encoded())
        case .start(_, let at):
            start = Instant(nanoseconds: at)
            schedule(batchTimer, at: start)
        case .ack(_, _, let sequence): acknowledged(sequence)
        case .stop: end()
        case .error(let fault): faults.append("\(fault.code): \(fault.message)")
        case .adjust, .rawHits, .chunk: break
        }
    }

    private func beat() {
        let now = Instant.now
        var beat = AgentBeat(sent: now.nanoseconds, echo: echo, spoolMessages: spool.count, spoolBytes: spoolBytes)
        beat.usage.busyCores = 1.5
        beat.usage.residentBytes = 50 << 20
        echo = nil
        transport.send(AgentMessage.beat(beat).encoded())
        beats += 1
        schedule(beatTimer, at: now.advanced(by: beats < 8 ? .milliseconds(100) : .seconds(1)))
        if inFlight > 0, Double(now.nanoseconds(since: lastProgress)) > 5e9 { sendAgain() }
    }

    // MARK: Results

    /// What the runner would report now.
    private func report() {
        if hasEnded { return }
        let now = Instant.now
        let elapsed = max(0, Double(now.nanoseconds(since: start)) / 1e9)
        if batches == 0 { append(.report(RunnerReport.started(late: 0).encoded()[0])) }
        if elapsed > reportedUntil {
            let batch = scenario.batches
            if let probe = scenario.probe(batches, of: number, from: reportedUntil, to: elapsed, start: start) {
                append(.report(batch.report(batches, from: reportedUntil, to: elapsed, probe: probe)))
                sentHits += 1
            } else {
                append(.report(batch.report(batches, from: reportedUntil, to: elapsed)))
            }
            sentHits += batch.hits
            sentBatches += 1
            reportedUntil = elapsed
        }
        batches += 1
        if elapsed >= scenario.seconds { return end() }
        schedule(batchTimer, at: now.advanced(by: scenario.pause(batchInterval)))
    }

    private func end() {
        if hasEnded { return }
        hasEnded = true
        append(.ended(.finished(interrupted: false, seconds: reportedUntil)))
    }

    private func append(_ content: ResultMessage.Content) {
        let sequence = firstSequence + UInt64(spool.count)
        let message = ResultMessage(run: run, agent: id, epoch: epoch, sequence: sequence, content: content).encoded()
        spool.append(message)
        made.append(.now)
        spoolBytes += message.count
        send()
    }

    private func send() {
        // Without a lease nothing is sent.
        guard Instant.now < heard.advanced(by: .seconds(5)) else { return }
        // As `Spool.batchesCome(every:)` has it.
        let share = min(1, Duration.milliseconds(100) / batchInterval)
        let window = (messages: max(16, Int(256 * share)), bytes: max(1 << 20, Int(Double(16 << 20) * share)))
        while inFlight < min(spool.count, window.messages), inFlightBytes < window.bytes {
            if inFlight == 0 { lastProgress = .now }
            guard transport.push(spool[inFlight]) else { return }
            inFlightBytes += spool[inFlight].count
            inFlight += 1
        }
    }

    private func sendAgain() {
        resent += inFlight
        inFlight = 0
        inFlightBytes = 0
        lastProgress = .now
        send()
    }

    private func acknowledged(_ sequence: UInt64) {
        guard sequence >= firstSequence else { return }
        let count = min(Int(sequence - firstSequence) + 1, spool.count)
        for place in 0..<count {
            spoolBytes -= spool[place].count
            if place < inFlight { inFlightBytes -= spool[place].count }
        }
        if count > 0 { slowest = max(slowest, Double(Instant.now.nanoseconds(since: made[0])) / 1e9) }
        spool.removeFirst(count)
        made.removeFirst(count)
        inFlight = max(0, inFlight - count)
        firstSequence = sequence + 1
        lastProgress = .now
        send()
    }

    func resultsWritable() { send() }

    private func schedule(_ timer: LoopTimer?, at instant: Instant) {
        if let timer { transport.loop.schedule(timer, at: instant) }
    }
}
