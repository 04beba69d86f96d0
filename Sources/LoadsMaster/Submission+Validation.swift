import LoadsCore
import LoadsWire

extension RunSubmission {
    /// Everything that is wrong with it, for a person; nil when it can be run.
    func problem() -> String? {
        var problems: [String] = []
        let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.".utf8)
        if !(1...64).contains(run.utf8.count) || !run.utf8.allSatisfy({ letters.contains($0) }) || run.hasPrefix(".") {
            problems.append("a run's id has 1 to 64 characters: letters, digits, -, _ and .")
        }
        problems += order.plan.validate().map(\.description)
        if let agents = placement.agents, agents < 1 {
            problems.append("--agents \(agents): not a number of agents (1 or more)")
        }
        if let agents = placement.agents, agents > max(1, order.plan.peakUsers) {
            problems.append(
                "--agents \(agents): more agents than the run's \(Counted.text(order.plan.peakUsers, "user")) (every agent gets one at least)"
            )
        }
        if placement.onLost == .redistribute, order.plan.cycles.count > 1 {
            problems.append(
                "--on-lost redistribute: cannot be with several cycles, each of which has its own number of users: choose "
                    + "continue or stop, or run one cycle at a time")
        }
        if thresholds.count > Threshold.countLimit {
            problems.append("--expect: \(thresholds.count) thresholds (at most \(Threshold.countLimit))")
        }
        for file in launch.files {
            if !FileStore.isHash(file.hash) || file.bytes < 0 {
                problems.append("\(file.path): not a file with a SHA-256 and a size")
            }
            if file.path.hasPrefix("/") || file.path.split(separator: "/").contains("..") || file.path.isEmpty {
                problems.append("\(file.path): a shipped file lies in the run's directory")
            }
        }
        let sizes = Dictionary(grouping: launch.files, by: \.hash).mapValues { Set($0.map(\.bytes)) }
        if let hash = sizes.first(where: { $0.value.count > 1 })?.key {
            problems.append("the file \(hash) is listed with two sizes")
        }
        return problems.isEmpty ? nil : problems.joined(separator: "\n")
    }
}
