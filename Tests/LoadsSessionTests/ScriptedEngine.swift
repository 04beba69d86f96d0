import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Synchronization

@testable import LoadsSession

/// An engine without a network: a closure answers, and everything asked is kept.
final class ScriptedEngine: Engine, Sendable {
    typealias Script = @Sendable (Exchange, Int) async throws(SessionError) -> ExchangeResult

    private let script: Script
    private let log = Mutex<[Exchange]>([])
    private let loop: EventLoop
    private let offLoop = Atomic<Int>(0)
    private let ends = Atomic<Int>(0)

    init(loop: EventLoop, script: @escaping Script) {
        self.loop = loop
        self.script = script
    }

    var exchanges: [Exchange] { log.withLock { $0 } }
    /// Calls that were not made on the loop: there must be none.
    var strayCalls: Int { offLoop.load(ordering: .relaxed) }
    var hasEnded: Bool { ends.load(ordering: .acquiring) > 0 }

    func perform(_ exchange: Exchange) async throws(SessionError) -> ExchangeResult {
        if !loop.isOnLoop { offLoop.add(1, ordering: .relaxed) }
        let number = log.withLock { log in
            log.append(exchange)
            return log.count
        }
        return try await script(exchange, number)
    }

    func iterationEnded() {}
    func userEnded() { ends.add(1, ordering: .acquiringAndReleasing) }
}

/// Hands out one scripted engine, and remembers it.
final class Script: Sendable {
    private let made = Mutex<[ScriptedEngine]>([])
    private let script: ScriptedEngine.Script

    init(_ script: @escaping ScriptedEngine.Script) { self.script = script }

    /// Answers of these texts and fields, in turn; the last one stays.
    init(_ answers: ExchangeResult...) {
        script = { _, number in answers[min(number, answers.count) - 1] }
    }

    var engines: [ScriptedEngine] { made.withLock { $0 } }
    var exchanges: [Exchange] { engines.flatMap(\.exchanges) }

    func session(
        _ baseURL: String? = "http://a.test", _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) -> Session {
        var configuration = SessionConfiguration()
        configure(&configuration)
        return Session(
            baseURL: baseURL,
            settings: SessionSettings(configuration: configuration) { loop in
                let engine = ScriptedEngine(loop: loop, script: self.script)
                self.made.withLock { $0.append(engine) }
                return engine
            })
    }
}

extension ExchangeResult {
    static func answer(
        _ status: Int = 200, _ head: String = "", body: [UInt8] = [], stream: (any ExchangeStream)? = nil
    ) -> ExchangeResult {
        var phases = Phases()
        phases.wait = 1000
        return ExchangeResult(
            status: status, version: "HTTP/1.1", head: Array(head.utf8), body: body, stream: stream, phases: phases,
            bytesSent: 100, bytesReceived: 50 + body.count, requests: 1)
    }

    static func text(_ text: String, _ head: String = "") -> ExchangeResult {
        answer(200, head, body: Array(text.utf8))
    }

    static func redirect(_ status: Int = 302, to location: String, _ head: String = "") -> ExchangeResult {
        answer(status, "Location: \(location)\r\n" + head)
    }
}

extension Exchange {
    /// The value of a field; nil when it is not sent.
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

    var text: String? {
        if case .bytes(let bytes) = body { return String(decoding: bytes, as: UTF8.self) }
        return nil
    }
}

/// A stream of given chunks; says when it was dropped.
final class ScriptedStream: ExchangeStream, Sendable {
    private let chunks: Mutex<[[UInt8]]>
    private let failure: SessionError?
    private let taken = Atomic<Int>(0)
    let dropped: @Sendable () -> Void

    init(_ chunks: [[UInt8]], failure: SessionError? = nil, dropped: @escaping @Sendable () -> Void = {}) {
        self.chunks = Mutex(chunks)
        self.failure = failure
        self.dropped = dropped
    }

    deinit { dropped() }

    func next() async throws(SessionError) -> [UInt8]? {
        let chunk = chunks.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        taken.add(chunk?.count ?? 0, ordering: .relaxed)
        if chunk == nil, let failure { throw failure }
        return chunk
    }

    var progress: (phases: Phases, bytesReceived: Int) {
        get async { known }
    }
    var progressNow: (phases: Phases, bytesReceived: Int)? { known }

    private var known: (phases: Phases, bytesReceived: Int) {
        var phases = Phases()
        phases.wait = 1000
        phases.receive = 500
        return (phases, 50 + taken.load(ordering: .relaxed))
    }
}

/// One user of a run, on a loop of its own, whose hits can be read.
struct TestUser {
    let user: VirtualUser

    init(number: Int = 3, _ change: (inout Plan) -> Void = { _ in }) {
        var plan = Plan(cycles: [])
        plan.rawHits = true
        change(&plan)
        let recorder = Recorder(start: .now, plan: plan, registry: NameRegistry(limit: 100))
        user = VirtualUser(number: number, loop: EventLoop(name: "test-user"), recorder: recorder, plan: plan)
    }

    /// Runs a body as one iteration of the user, on its loop.
    func iterate<Value: Sendable>(
        _ number: Int = 0, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let context = IterationContext(user: user, number: number)
        return try await IterationContext.$current.withValue(context) {
            try await withTaskExecutorPreference(user.loop) { try await body() }
        }
    }

    /// The hits since the last time, after all that was submitted to the loop.
    func hits() async -> [RawHit] {
        await withCheckedContinuation { continuation in
            user.loop.submit { [user] in continuation.resume(returning: user.recorder.takeBatch().hits) }
        }
    }

    func statistics() async -> Statistics {
        await withCheckedContinuation { continuation in
            user.loop.submit { [user] in continuation.resume(returning: user.recorder.takeBatch().statistics) }
        }
    }
}
