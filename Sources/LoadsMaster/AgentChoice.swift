import LoadsCore
import LoadsWire

/// Which agents carry out a run. A pure function of the run and of the agents that are there.
enum AgentChoice {
    enum Outcome: Equatable {
        /// These, and what is to be said of those left out.
        case chosen([String], notes: [String])
        /// Too few are there, or free: what the run waits for, and the agents that it could use.
        case wait(String, reserved: Set<String>)
        /// It can never be run by the agents that are there.
        case refuse(String)
    }

    /// Chooses.
    ///
    /// - Parameters:
    ///   - agents: Those with a lease.
    ///   - busy: Those that have a part in a run, or are kept for a run that came before this one.
    static func choose(_ submission: RunSubmission, among agents: [KnownAgent], busy: Set<String>) -> Outcome {
        let placement = submission.placement
        let labelled = agents.filter { agent in
            placement.labels.allSatisfy { agent.hello.labels[$0.key] == $0.value }
        }
        .sorted { ($0.hello.name, $0.hello.agent) < ($1.hello.name, $1.hello.agent) }
        var fit: [KnownAgent] = []
        var misfits: [String] = []
        for agent in labelled {
            if let reason = misfit(agent.hello, submission.launch) {
                misfits.append("\(agent.hello.name) \(reason)")
            } else {
                fit.append(agent)
            }
        }
        let users = submission.order.plan.peakUsers
        let needed = min(max(1, placement.agents ?? 1), max(1, users))
        let free = fit.filter { !busy.contains($0.hello.agent) }
        if free.count >= needed {
            let count = placement.agents == nil ? min(free.count, users) : needed
            return .chosen(free.prefix(count).map(\.hello.agent), notes: misfits.map { "left out: \($0)" })
        }
        if fit.count < needed, !misfits.isEmpty {
            let wanted = needed == 1 ? "no agent can run it" : "\(needed) agents are needed, \(fit.count) can run it"
            return .refuse("\(wanted): \(misfits.joined(separator: "; "))")
        }
        if fit.count < needed {
            let labels = placement.labels.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ",")
            let which = labels.isEmpty ? "" : " with \(labels)"
            return .wait("waits for \(count(needed - fit.count, "more agent"))\(which)", reserved: [])
        }
        return .wait(
            "waits until \(count(needed - free.count, "more agent")) \(needed - free.count == 1 ? "is" : "are") free",
            reserved: Set(fit.map(\.hello.agent)))
    }

    /// Why an agent cannot run something; nil when it can.
    static func misfit(_ agent: AgentHello, _ launch: RunnerLaunch) -> String? {
        if !agent.dialects.contains(launch.dialect) {
            return "does not speak the runner dialect \"\(launch.dialect.rawValue)\""
        }
        if case .builtIn(let name) = launch.program, !agent.builtIn.contains(name) {
            return "brings no \"\(name)\" runner along"
        }
        guard let needed = launch.platform else { return nil }
        let own = agent.platform
        if needed.system != own.system { return "runs \(own.system), and the test was built for \(needed.system)" }
        if needed.architecture != own.architecture {
            return "is \(own.architecture), and the test was built for \(needed.architecture)"
        }
        let (kind, version) = library(needed.library)
        let (ownKind, ownVersion) = library(own.library)
        if kind != ownKind { return "has \(own.library), and the test was built for \(needed.library)" }
        if ownVersion.lexicographicallyPrecedes(version) {
            return "has \(own.library), and the test needs \(needed.library): build it on the older system, or update "
                + "the agent's"
        }
        return nil
    }

    /// `glibc 2.36` as its name and the numbers of its version.
    private static func library(_ text: String) -> (name: String, version: [Int]) {
        let words = text.split(separator: " ", maxSplits: 1)
        let version = words.count > 1 ? words[1].split(separator: ".").map { Int($0) ?? 0 } : []
        return (words.first.map(String.init) ?? "", version)
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        number == 1 ? "one \(noun)" : "\(number) \(noun)s"
    }
}
