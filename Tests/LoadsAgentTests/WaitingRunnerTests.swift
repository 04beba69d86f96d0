import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsAgent

/// A runner process that waits for its start and obeys while it runs, in both dialects.
@Suite(.timeLimit(.minutes(5))) struct WaitingRunnerTests {
    /// Reads the descriptor itself: what a buffered reader has taken already, `select` does not tell of.
    private static let script = """
        import json, os, sys
        from select import select
        rest = b""
        def lines(wait):
            global rest
            if select([0], [], [], wait)[0]:
                piece = os.read(0, 65536)
                if not piece: sys.exit(0)
                rest += piece
            *whole, rest = rest.split(b"\\n")
            return whole
        words = []
        while not words: words = lines(None)
        first = json.loads(words.pop(0))
        if "plan" not in first: sys.exit(0)
        users = first["plan"]["users"]
        results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w", buffering=1)
        results.write('{"note":"up"}\\n')
        while True:
            for user in range(users):
                results.write(json.dumps({"name": "n", "ms": 1, "user": user}) + "\\n")
            for line in words + lines(0.01):
                word = json.loads(line)
                if "adjust" in word: users = word["adjust"]["users"]
                if "stop" in word: sys.exit(0)
            words = []
            results.write(json.dumps({"users": users}) + "\\n")
        """

    private static func start(_ dialect: RunnerLaunch.Dialect, on loop: EventLoop) async throws -> RunnerProcess {
        var plan = Plan(cycles: [.init(users: 2, amount: .duration(.seconds(1000)))])
        plan.loops = 1
        let order = RunnerOrder(plan: plan, waits: true)
        let process: RunnerProcess
        switch dialect {
        case .messages:
            process = try await RunnerProcess.start(
                RunnerLaunch(executable: Fixtures.executable, arguments: ["normal"]), on: loop)
        case .lines:
            let launch = RunnerLaunch(program: .path("python3"), arguments: ["-c", script], dialect: .lines)
            process = try await LineRunner.start(
                AgentOrder(run: "r", launch: launch, order: order), agent: "a", on: loop)
        }
        process.send(.run(order))
        return process
    }

    @Test(arguments: RunnerLaunch.Dialect.allCases)
    func itIsReadyStartsWhenItIsToldAndObeys(_ dialect: RunnerLaunch.Dialect) async throws {
        let loop = EventLoop()
        let process = try await Self.start(dialect, on: loop)
        var said: [String] = []
        var start = Instant.now
        var late = -1.0
        var sawRaw = false
        var sawUsers = false
        var step = 0
        for await event in process.events {
            guard case .report(let bytes) = event else { break }
            let report = try RunnerReport(decoding: bytes)
            switch report {
            case .ready:
                said.append("ready")
                start = Instant.now.advanced(by: .milliseconds(50))
                process.send(.start(at: start.nanoseconds))
            case .started(let seconds):
                #expect(Instant.now >= start)
                said.append("started")
                late = seconds
                process.send(.rawHits(true))
                let soon = Instant.now.advanced(by: .milliseconds(20)).nanoseconds
                process.send(.adjust(Adjustment(users: 4, firstNewUser: 10, at: soon)))
            case .batch(let batch):
                sawRaw = sawRaw || !batch.hits.isEmpty
                sawUsers = sawUsers || batch.statistics.users == 4
                if sawRaw && sawUsers && step == 0 {
                    step = 1
                    process.send(.stop)
                }
            case .ended(let interrupted, let seconds):
                said.append("ended")
                #expect(interrupted && seconds > 0)
            default: break
            }
            process.consumed()
        }
        #expect(said == ["ready", "started", "ended"] && late >= 0)
        await loop.shutdown()
    }

    @Test(arguments: RunnerLaunch.Dialect.allCases)
    func aStopBeforeTheStartEndsItWithoutOne(_ dialect: RunnerLaunch.Dialect) async throws {
        let loop = EventLoop()
        let process = try await Self.start(dialect, on: loop)
        var said: [String] = []
        var status: Int32 = -1
        for await event in process.events {
            switch event {
            case .exited(let exit): status = exit.status
            case .report(let bytes):
                switch try RunnerReport(decoding: bytes) {
                case .ready:
                    said.append("ready")
                    process.send(.stop)
                case .started: said.append("started")
                case .batch: said.append("batch")
                case .ended(let interrupted, let seconds): said.append("ended \(interrupted) \(seconds)")
                default: break
                }
                process.consumed()
            }
        }
        #expect(said == ["ready", "ended true 0.0"] && status == 0)
        await loop.shutdown()
    }
}
