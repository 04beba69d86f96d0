import Glibc
import LoadsAgent
import LoadsCore
import LoadsTransport
import LoadsWire

/// An agent in a process of its own, so that a test can kill it, or count what it leaves behind.
enum FixtureAgent {
    private static func order(_ run: String, _ mode: String, _ options: [String: [String]] = [:]) -> AgentOrder {
        let plan = Plan(cycles: [.init(users: 2, amount: .iterations(20))])
        return AgentOrder(
            run: run, launch: RunnerLaunch(executable: CommandLine.arguments[0], arguments: [mode]),
            order: RunnerOrder(plan: plan, options: options))
    }

    /// Starts a runner that ignores everything, and waits for a signal.
    static func runForever() async {
        unsetenv("FIXTURE_PROCESS_FILE")
        let (master, link) = InProcess.makePair()
        let agent = Task { await LinkedAgent(link: link).run() }
        var order = order("r", "ignore-stop")
        order.launch.environment["FIXTURE_PROCESS_FILE"] = CommandLine.arguments[2]
        await master.send(.run(order))
        await agent.value
    }

    /// Runs runners of all kinds and prints what is left of them: descriptors before and after, and children.
    static func countWhatIsLeft() async {
        await round("warm-up")
        let before = descriptors()
        for number in 0..<5 { await round("\(number)") }
        let after = descriptors()
        let child = waitpid(-1, nil, WNOHANG)
        print("\(before) \(after) \(child == -1 && errno == ECHILD ? "no children" : "children")")
    }

    private static func round(_ name: String) async {
        let (master, link) = InProcess.makePair()
        let agent = Task { await LinkedAgent(link: link).run() }
        let orders = [
            order("a\(name)", "normal"), order("b\(name)", "crash", ["crash-after": ["3"]]),
            order("c\(name)", "refuse"),
            order("d\(name)", "exit-early"), order("e\(name)", "garbage"),
            AgentOrder(
                run: "f\(name)", launch: RunnerLaunch(executable: "/no/such/program"),
                order: RunnerOrder(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))]))),
        ]
        for order in orders { await master.send(.run(order)) }
        var ended = 0
        for await report in master.reports {
            if case .ended = report { ended += 1 }
            if ended == orders.count { break }
        }
        // One that is still there when the master goes.
        await master.send(.run(order("g\(name)", "deaf")))
        master.close()
        await agent.value
    }

    private static func descriptors() -> Int {
        var count = 0
        for descriptor in 0..<Int32(1024) where fcntl(descriptor, F_GETFD) >= 0 { count += 1 }
        return count
    }
}
