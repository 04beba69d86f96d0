public import LoadsEventLoop
import Synchronization

/// One user of a run: it lives on one event loop and never moves; what it owns there outlives its iterations.
public final class VirtualUser: @unchecked Sendable {
    // @unchecked: `attachment` and `recorder` are touched on the user's loop only, where all its requests are made;
    // `iterations` and `lives` by the user's one task, which also sets `control` before its first iteration.

    /// Unique in the run, from 0 (or the agent's offset).
    public let number: Int
    /// Where its requests are made; it never changes.
    public let loop: EventLoop
    /// Runs the user's tasks on its loop, and tells whose they are. With ``Plan/threads`` only its requests.
    public let executor: LoopTenant
    /// Where the hits of its iteration are counted; on its loop only.
    public internal(set) var recorder: Recorder
    /// The plan that it works for.
    public let plan: Plan
    /// What a session keeps for the user: its connections. On the user's loop only.
    public var attachment: (any UserAttachment)?

    /// Hits without a complete response so far. Relaxed: a hint for the back-off.
    private let errorCount = Atomic<Int>(0)
    /// Whether it ends after its running iteration. Relaxed: it guards no data, and one iteration late is harmless.
    private let leaving = Atomic<Bool>(false)
    /// Whether a test has ended it. Relaxed: its own task reads it after the iteration that did it.
    private let ended = Atomic<Bool>(false)
    /// What ends the run that the user works for.
    var control: RunControl?
    /// Iterations begun, over all cycles; only the user's own task counts.
    private var iterations = 0
    /// How often it has come, to a cycle or a stage; likewise.
    private var lives: UInt64 = 0

    /// - Parameter scenarios: What the user may do, by name: what holds its loop for long is told by it.
    public init(number: Int, loop: EventLoop, recorder: Recorder, plan: Plan, scenarios: [String] = []) {
        executor = LoopTenant(loop: loop, names: scenarios)
        self.number = number
        self.loop = loop
        self.recorder = recorder
        self.plan = plan
    }

    var errors: Int { errorCount.load(ordering: .relaxed) }

    /// Whether an adjustment has made it superfluous.
    var mayLeave: Bool {
        get { leaving.load(ordering: .relaxed) }
        set { leaving.store(newValue, ordering: .relaxed) }
    }

    /// Whether a test has ended it: it makes no iteration any more, in no cycle and no stage.
    var hasEnded: Bool { ended.load(ordering: .relaxed) }

    func endRun() { control?.stop(interrupted: false) }

    func end() {
        if !ended.exchange(true, ordering: .relaxed) { control?.userEnded() }
    }

    /// How often it was there before; nil if never.
    func nextLife() -> UInt64? {
        defer { lives += 1 }
        return lives == 0 ? nil : lives
    }

    func nextIteration() -> Int {
        defer { iterations += 1 }
        return iterations
    }

    /// Records a hit of an iteration. From any thread; on the user's loop it costs no hop.
    public func record(_ hit: Hit, iteration: Int) {
        var stopped = false
        if let error = hit.error {
            errorCount.add(1, ordering: .relaxed)
            stopped = error.kind == HitError.cancelled && control?.cancelsStopped == true
        }
        if loop.isOnLoop {
            recorder.record(hit, user: number, iteration: iteration, stopped: stopped)
        } else {
            loop.submit { [stopped] in
                self.recorder.record(hit, user: self.number, iteration: iteration, stopped: stopped)
            }
        }
    }

    /// Counts something on the user's loop.
    @inline(__always) func count(_ body: @escaping @Sendable (Recorder) -> Void) {
        if loop.isOnLoop { body(recorder) } else { loop.submit { body(self.recorder) } }
    }

    func recordFailure(at place: String, message: @autoclosure () -> String) {
        let now = Instant.now
        if loop.isOnLoop {
            recorder.recordFailure(at: place, message: message(), now)
        } else {
            let text = message()
            loop.submit { self.recorder.recordFailure(at: place, message: text, now) }
        }
    }
}

/// What a lower layer knows of a user's connections. Called on the user's loop.
public protocol UserAttachment: AnyObject {
    /// An iteration ended under a plan that wants new connections for the next one.
    func iterationEnded()
    /// The user is done: close everything.
    func userEnded()
}
