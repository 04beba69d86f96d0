import LoadsCore
import LoadsEventLoop
import LoadsWire

// A set-up or tear-down is a run of its own on one agent: it is placed, stored, and told again like any other.
extension MasterServer {
    /// How long a set-up may take.
    static let setUpLimit = Duration.seconds(300)
    /// How long a tear-down may take, and how long it waits for an agent.
    static let tearDownLimit = Duration.seconds(60)

    /// Queues the run that sets another one up, or tears it down.
    func submitOnce(_ phase: RunnerOrder.Phase, for parent: ActiveRun) {
        let submission = parent.record.submission
        let name = onceName(parent.id, phase)
        var child = RunSubmission(
            run: name, target: (phase == .setUp ? "the set-up of " : "the tear-down of ") + parent.id,
            isURLTarget: false, launch: submission.launch, order: submission.order,
            placement: Placement(agents: 1, labels: submission.placement.labels))
        child.order.phase = phase
        child.order.value = parent.record.setUp?.value
        child.order.plan.cycles = [
            .init(users: 1, amount: .duration(phase == .setUp ? Self.setUpLimit : Self.tearDownLimit))
        ]
        child.order.plan.grace = .zero
        child.order.plan.warmUp = .zero
        child.order.plan.rampUp = .zero
        child.order.plan.pause = .zero
        child.order.plan.rawHits = false
        let run = ActiveRun(life: RunLife(submission: child, at: Instant.wallTime))
        run.life.record.parent = parent.id
        run.missingFiles = parent.missingFiles
        parent.life.record.setUp?.child = name
        parent.isDirty = true
        runs.append(run)
        byID[name] = run
        perform(run)
        // Not from inside a schedule that is under way.
        loop.submit { self.assumeIsolated { $0.schedule() } }
    }

    private func onceName(_ parent: String, _ phase: RunnerOrder.Phase) -> String {
        var number = 1
        while true {
            let mark = (phase == .setUp ? ".set-up" : ".tear-down") + (number > 1 ? "\(number)" : "")
            let name = String(parent.prefix(64 - mark.utf8.count)) + mark
            if byID[name] == nil, !history.contains(where: { $0.run == name }) { return name }
            number += 1
        }
    }

    /// A run is over and stored: if it did something once for another one, that one goes on.
    func tellParent(of child: RunRecord) {
        guard let id = child.parent, let parent = byID[id] else { return }
        parent.life.onceEnded(
            child.submission.order.phase, value: Self.handedOver(child), failure: Self.failure(of: child))
        parent.isDirty = true
        perform(parent)
        schedule()
    }

    /// What a set-up or tear-down that is over has handed over; nil if it was not done.
    private static func handedOver(_ child: RunRecord) -> [UInt8]? {
        // What was done counts, even if the process ended badly afterwards.
        if case .refused = child.state { return nil }
        return child.value
    }

    private static func failure(of child: RunRecord) -> String {
        if case .refused(_, let message) = child.state { return message }
        if let crash = child.crash {
            return crash.reason + (crash.output.isEmpty ? "" : "\n\(crash.output)")
        }
        if child.interrupted { return "\(child.submission.target) was stopped" }
        return "\(child.submission.target) ended without a word: use the same release of Loads on all sides"
    }

    /// Gives up tear-downs for which there is no agent: their runs must end.
    func checkOnce() {
        let now = Instant.wallTime
        for run in runs where run.record.parent != nil && run.record.state == .queued {
            guard run.record.submission.order.phase == .tearDown,
                now - run.record.submittedAt > Self.tearDownLimit.inSeconds
            else { continue }
            run.life.refuse(code: 70, "no agent was free for it within \(Int(Self.tearDownLimit.inSeconds)) s")
            perform(run)
        }
    }

    /// After a restart: a set-up or tear-down may have ended without its run having heard of it.
    func catchUpOnce() async {
        for run in runs {
            guard let child = run.record.setUp?.child, run.life.isSettingUp || run.life.isTearingDown,
                byID[child] == nil, let stored = try? await storage.run(child)
            else { continue }
            tellParent(of: stored.record)
        }
    }
}
