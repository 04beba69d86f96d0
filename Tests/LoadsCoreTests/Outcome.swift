import LoadsEventLoop
import Synchronization

@testable import LoadsCore

/// What a run handed over.
struct Outcome {
    var ending: RunEnding
    var batches: [Batch]

    var total: Statistics { batches.reduce(into: Statistics()) { $0.merge($1.statistics) } }
    var iterations: IterationCounts { total.iterations }

    typealias Body = @Sendable (IterationContext) async -> IterationOutcome

    /// Runs a plan.
    static func of(
        _ plan: Plan, patience: Duration = .seconds(5), counters: LiveCounters? = nil, _ bodies: Body...
    ) async -> Outcome {
        await run(plan, patience, counters, { _, _ in }, bodies)
    }

    /// Runs a plan until a condition holds, asked after each batch; then stops or aborts it.
    static func of(
        _ plan: Plan, patience: Duration = .seconds(5), abort: Bool = false,
        stopOnce condition: @autoclosure @escaping @Sendable () -> Bool, _ body: @escaping Body
    ) async -> Outcome {
        let end: @Sendable (ScenarioRunner, Int) -> Void = { runner, _ in
            guard condition() else { return }
            runner.stop()
            if abort { runner.abort() }
        }
        return await run(plan, patience, nil, end, [body])
    }

    /// Runs a plan until there were so many batches.
    static func of(_ plan: Plan, stopAfterBatches count: Int, _ body: @escaping Body) async -> Outcome {
        await run(plan, .seconds(5), nil, { if $1 == count { $0.stop() } }, [body])
    }

    /// Runs a plan that is a race with the clock, such as one whose users have to start within some tenths of a second:
    /// again where the machine kept a thread waiting for longer than that, a few times. The last one counts.
    static func of(
        _ plan: Plan, patience: Duration = .seconds(5), _ body: @escaping Body, until isShown: (Outcome) -> Bool
    ) async -> Outcome {
        var outcome = await of(plan, patience: patience, body)
        for _ in 0..<9 where !isShown(outcome) { outcome = await of(plan, patience: patience, body) }
        return outcome
    }

    private static func run(
        _ plan: Plan, _ patience: Duration, _ counters: LiveCounters?,
        _ meanwhile: @escaping @Sendable (ScenarioRunner, Int) -> Void, _ bodies: [Body]
    ) async -> Outcome {
        let batches = Mutex<[Batch]>([])
        let running = Mutex<ScenarioRunner?>(nil)
        let scenarios = bodies.enumerated().map { Scenario(name: "s\($0)", body: $1) }
        let runner = ScenarioRunner(plan: plan, scenarios: scenarios, counters: counters, patience: patience) { batch in
            let count = batches.withLock { batches in
                batches.append(batch)
                return batches.count
            }
            if let runner = running.withLock({ $0 }) { meanwhile(runner, count) }
        }
        running.withLock { $0 = runner }
        let ending = await runner.run()
        running.withLock { $0 = nil }
        return Outcome(ending: ending, batches: batches.withLock { $0 })
    }
}

extension Plan {
    init(users: Int, iterations: Int) { self.init(cycles: [.init(users: users, amount: .iterations(iterations))]) }
    init(users: Int, duration: Duration) { self.init(cycles: [.init(users: users, amount: .duration(duration))]) }
}

extension IterationContext {
    /// Waits on the user's loop; ends early when the iteration is cancelled.
    func wait(_ duration: Duration) async { try? await user.loop.sleep(for: duration) }
}

/// A list that tasks add to.
final class Log<Entry: Sendable>: Sendable {
    private let list = Mutex<[Entry]>([])
    var entries: [Entry] { list.withLock { $0 } }
    func add(_ entry: Entry) { list.withLock { $0.append(entry) } }
}
