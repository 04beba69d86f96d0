import LoadsCore
import LoadsWire

/// What of a plan a program of the `lines` dialect must have said that it knows, before it is given the plan
/// (Docs/RunnerProtocol.md). Users in cycles need nothing.
enum LineNeed: String, CaseIterable {
    case arrivals
    case userStages = "user_stages"
    case pacing
    case think
    case warmUp = "warm_up"

    /// How long a program may take to say what it knows.
    static let patience = Duration.seconds(15)

    /// What a plan needs.
    static func of(_ plan: Plan) -> [LineNeed] {
        allCases.filter { need in
            switch need {
            case .arrivals: plan.arrivals != nil
            case .userStages: if case .users = plan.model { true } else { false }
            case .pacing: plan.pacing > .zero
            case .think: plan.think != .constant(plan.think.mean)
            case .warmUp: plan.warmUp > .zero
            }
        }
    }

    /// The option that asks for it.
    private var option: String {
        switch self {
        case .arrivals: "--rate"
        case .userStages: "--stages"
        case .pacing: "--pacing"
        case .think: "a distribution as --think"
        case .warmUp: "--warm-up"
        }
    }

    /// Why a program that does not know all of its plan is not started.
    ///
    /// - Parameters:
    ///   - program: As its user wrote it.
    ///   - known: What it says that it knows; nil when it says nothing.
    static func lack(of missing: [LineNeed], program: String, known: [String]?) -> String {
        let options = missing.map(\.option).joined(separator: " and ")
        let names = missing.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        let said = known.map { "that it knows \($0.isEmpty ? "nothing" : $0.joined(separator: ", "))" }
        return
            "\(options): \(program) does not know it (it has said \(said ?? "nothing of what it knows")); leave it out, or let "
            + "the program follow it and write {\"knows\":[\(names)]} first (Docs/RunnerProtocol.md)"
    }
}

extension RunnerLaunch {
    /// The program and its arguments, as a shell would take them.
    var commandLine: String {
        let name =
            switch program {
            case .path(let path): path
            case .builtIn(let name): name
            }
        return ([name] + arguments).map(Self.quoted).joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let plain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=@%+,".contains($0) }
        return plain
            ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
