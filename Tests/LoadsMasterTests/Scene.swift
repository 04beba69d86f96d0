import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Testing

/// A master and whoever plays with it, in one process.
final class Scene: Sendable {
    let hub = InProcessHub()
    let loop = EventLoop(name: "scene")
    let master: MasterServer

    init(
        storage: any RunStorage = MemoryStorage(), _ change: (inout MasterSettings) -> Void = { _ in }
    ) async throws {
        var settings = MasterSettings()
        settings.startLead = .milliseconds(20)
        settings.adjustLead = .milliseconds(20)
        settings.commitInterval = .milliseconds(50)
        change(&settings)
        master = MasterServer(transport: hub.makeMaster(on: loop), storage: storage, settings: settings)
        try await master.open()
    }

    func end() async {
        await master.close()
        await loop.shutdown()
    }

    func agent(
        _ id: String, epoch: String = "00000000000000aa", cores: Int = 1, labels: [String: String] = [:],
        architecture: String = "x86_64", library: String = "glibc 2.36", polite: Bool = true,
        held: [String: UInt64] = [:], isDeaf: Bool = false
    ) -> PlayedAgent {
        PlayedAgent(
            id, on: hub, loop: loop, epoch: epoch, cores: cores, labels: labels,
            platform: Platform(system: "linux", architecture: architecture, library: library), polite: polite,
            held: held, isDeaf: isDeaf)
    }

    func agents(_ names: String...) async -> [PlayedAgent] {
        let agents = names.map { agent($0) }
        for agent in agents { await eventually { agent.isTakenIn } }
        return agents
    }

    func client() -> PlayedClient { PlayedClient(on: hub, loop: loop) }
}

func submission(
    _ run: String, users: Int = 6, iterations: Int = 10, placement: Placement = Placement(), keepHits: Bool = false,
    launch: RunnerLaunch = RunnerLaunch(executable: "/x")
) -> RunSubmission {
    RunSubmission(
        run: run, target: "t", isURLTarget: false, launch: launch,
        order: RunnerOrder(plan: Plan(cycles: [.init(users: users, amount: .iterations(iterations))])),
        placement: placement, keepHits: keepHits)
}

/// A batch of iterations with a hit each.
func batch(_ iterations: Int, name: String = "n", from: Double = 0, to: Double = 0.1, users: Int = 1) -> Batch {
    var batch = Batch(from: from, to: to)
    batch.statistics.iterations.started = iterations
    batch.statistics.iterations.ok = iterations
    batch.statistics.users = users
    var group = NameStatistics()
    group.count = iterations
    group.requests = iterations
    for _ in 0..<iterations { group.latency.record(1_000_000) }
    batch.statistics.names[name] = group
    return batch
}

func summary(_ outcome: RunOutcome?) throws -> Summary {
    guard case .finished(let summary) = try #require(outcome) else {
        Issue.record("\(outcome!)")
        throw Unexpected()
    }
    return summary
}

struct Unexpected: Error {}
