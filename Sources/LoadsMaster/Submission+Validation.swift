import LoadsCore
import LoadsWire

extension RunSubmission {
    /// Everything that is wrong with it, for a person; nil when it can be run.
    func problem() -> String? {
        var problems: [String] = []
        if !WireLimits.isIdentifier(run) {
            problems.append("a run's id has 1 to 64 characters: letters, digits, -, _ and ., the first no .")
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
        if let obstacle = placement.obstacle(to: order.plan) { problems.append(obstacle) }
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
