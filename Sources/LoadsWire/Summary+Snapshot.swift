public import LoadsCore

extension Summary {
    /// The summary of a run that is over, out of the master's account of it.
    public init(_ snapshot: RunSnapshot) {
        let submission = snapshot.submission
        self.init(
            id: submission.run, target: submission.target, startedAt: snapshot.startedAt ?? 0,
            duration: snapshot.elapsed, interrupted: snapshot.interrupted, plan: submission.order.plan,
            statistics: snapshot.statistics, isURLTarget: submission.isURLTarget, crash: snapshot.crash,
            agents: snapshot.agents, thresholds: snapshot.thresholds)
        stopped = snapshot.stopped
        changes = snapshot.changes
        isProgram = submission.launch.dialect == .lines
        tearDownFailure = snapshot.tearDownFailure
    }
}
