import Foundation
import LoadsAgent
import LoadsCore
import LoadsTransport
import LoadsWire

/// The runner of the tests: an executable of the package, built beside the test binary.
enum Fixtures {
    static let executable: String = {
        // The helper that runs the tests has the bundle mapped; its own path says nothing.
        let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
        let bundle = maps.split(separator: "\n").first { $0.hasSuffix(".xctest") }
        let path = bundle.flatMap { line in line.firstIndex(of: "/").map { String(line[$0...]) } } ?? "/"
        return URL(filePath: path).deletingLastPathComponent().appending(path: "FixtureRunner").path
    }()

    static func order(
        _ mode: String, users: Int = 4, iterations: Int = 25, options: [String: [String]] = [:], raw: Bool = false
    ) -> AgentOrder {
        var plan = Plan(cycles: [.init(users: users, amount: .iterations(iterations))])
        plan.rawHits = raw
        plan.loops = 1
        plan.grace = .zero
        return AgentOrder(
            run: "run-1", launch: RunnerLaunch(executable: executable, arguments: [mode]),
            order: RunnerOrder(plan: plan, options: options))
    }
}

/// What came of a run, as a plain master sees it.
struct Gathered {
    var started = 0
    var total = Batch()
    var sequences: [UInt64] = []
    var notes: [String] = []
    var end: RunnerEnd?

    var crash: RunnerCrash? { if case .crashed(let crash)? = end { crash } else { nil } }

    /// Runs an order on an agent of its own and gathers everything.
    ///
    /// - Parameter onReport: Called for each report before the next is taken.
    static func run(
        _ order: AgentOrder, patience: Duration = .seconds(15),
        onReport: (any MasterLink, AgentReport) async -> Void = { _, _ in }
    ) async -> Gathered {
        let (master, link) = InProcess.makePair()
        let agent = Task { await LinkedAgent(link: link, patience: patience).run() }
        await master.send(.run(order))
        var gathered = Gathered()
        for await report in master.reports {
            switch report {
            case .started: gathered.started += 1
            case .batch(_, let sequence, let batch):
                gathered.sequences.append(sequence)
                gathered.total.merge(batch)
            case .note(_, let text): gathered.notes.append(text)
            case .ended(_, let end): gathered.end = end
            }
            await onReport(master, report)
            if gathered.end != nil { break }
        }
        master.close()
        await agent.value
        return gathered
    }
}
