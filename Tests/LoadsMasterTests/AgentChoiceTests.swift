import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

@testable import LoadsMaster

@Suite struct AgentChoiceTests {
    private func agent(_ id: String, labels: [String: String] = [:], architecture: String = "x86_64") -> KnownAgent {
        let platform = Platform(system: "linux", architecture: architecture, library: "glibc 2.36")
        let hello = AgentHello(
            agent: id, name: id, epoch: "1", software: "", platform: platform, cores: 1, memoryBytes: 1,
            labels: labels, dialects: [.messages], builtIn: ["url"])
        return KnownAgent(hello: hello, heard: Instant(nanoseconds: 0))
    }

    private func run(_ placement: Placement = Placement(), users: Int = 9, _ launch: RunnerLaunch? = nil)
        -> RunSubmission
    {
        RunSubmission(
            run: "r", target: "t", isURLTarget: false, launch: launch ?? RunnerLaunch(executable: "/x"),
            order: RunnerOrder(plan: Plan(cycles: [.init(users: users, amount: .iterations(1))])), placement: placement)
    }

    private func choose(_ run: RunSubmission, _ agents: [KnownAgent], busy: Set<String> = []) -> AgentChoice.Outcome {
        AgentChoice.choose(run, among: agents, busy: busy)
    }

    @Test func takesAllThatAreFreeUnlessANumberIsAskedFor() {
        let agents = [agent("b"), agent("a"), agent("c")]
        #expect(choose(run(), agents) == .chosen(["a", "b", "c"], notes: []))
        #expect(choose(run(), agents, busy: ["b"]) == .chosen(["a", "c"], notes: []))
        #expect(choose(run(Placement(agents: 2)), agents) == .chosen(["a", "b"], notes: []))
        #expect(choose(run(users: 2), agents) == .chosen(["a", "b"], notes: []))
    }

    @Test func waitsForAgentsThatMayCome() throws {
        guard case .wait(_, []) = choose(run(), []) else { throw Unexpected() }
        guard case .wait(let text, []) = choose(run(Placement(labels: ["x": "y"])), [agent("a")]) else {
            throw Unexpected()
        }
        #expect(text == "waits for one more agent with x=y")
        #expect(
            choose(run(Placement(agents: 2)), [agent("a"), agent("b")], busy: ["a"])
                == .wait("waits until one more agent is free", reserved: ["a", "b"]))
    }

    @Test func refusesWhatNoneCanRun() {
        var launch = RunnerLaunch(program: .builtIn("other"))
        #expect(
            choose(run(Placement(), launch), [agent("a")])
                == .refuse("no agent can run it: a brings no \"other\" runner along"))
        launch = RunnerLaunch(executable: "/x")
        launch.dialect = .lines
        #expect(
            choose(run(Placement(), launch), [agent("a")])
                == .refuse("no agent can run it: a does not speak the runner dialect \"lines\""))
    }

    @Test(arguments: [
        ("glibc 2.36", nil), ("glibc 2.4", nil), ("glibc 2.36.1", "older"), ("glibc 2.37", "older"),
        ("glibc 3.0", "older"),
        ("musl 1.2", "other"),
    ])
    func comparesTheSystemsLibrary(_ needed: String, _ problem: String?) {
        var launch = RunnerLaunch(executable: "/x")
        launch.platform = Platform(system: "linux", architecture: "x86_64", library: needed)
        #expect((AgentChoice.misfit(agent("a").hello, launch) != nil) == (problem != nil))
    }

    private func run(_ placement: Placement, _ launch: RunnerLaunch) -> RunSubmission {
        run(placement, users: 9, launch)
    }
}
