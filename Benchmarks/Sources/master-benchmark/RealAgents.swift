import Foundation
import LoadsClient
import LoadsCore
import LoadsEventLoop
import LoadsWire
import LoadsZeroMQ

/// The whole way of a hit: from a program that an agent runs to a subscriber, through real processes.
struct RealAgents {
    let master: String
    let agent: String

    /// Each hit is named by its moment; both sides read the same clock.
    private static let program = """
        import json, os, random, sys, time
        sys.stdin.readline()
        results = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w", buffering=1)
        end = time.monotonic() + float(os.environ["LOADS_DURATION"])
        pause = float(sys.argv[1])
        while time.monotonic() < end:
            time.sleep(random.uniform(0, 2 * pause))
            print(json.dumps({"name": "at-%d" % time.monotonic_ns(), "status": 200, "ms": 1}), file=results)
        """

    func measure(_ count: Int, seconds: Double) async throws {
        let data = try Trial.emptyDirectory()
        defer { try? FileManager.default.removeItem(atPath: data) }
        let master = try MasterProcess(master, data: "\(data)/master")
        let loop = EventLoop(name: "client")
        var agents: [Process] = []
        defer {
            for agent in agents where agent.isRunning { kill(agent.processIdentifier, SIGTERM) }
            for agent in agents { agent.waitUntilExit() }
            master.kill()
        }
        for number in 0..<count {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: agent)
            process.arguments = [
                "--master", master.control, "--name", "agent-\(number)", "--id", "agent-\(number)",
                "--data", "\(data)/agent-\(number)", "--log-level", "error",
            ]
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            agents.append(process)
        }
        let watcher = try Watcher(master: master.control, prefix: "stats/", on: loop)
        try await loop.perform { try watcher.open() }
        let client = MasterClient(
            transport: try ZeroMQClient(master: master.control, on: loop), address: master.control)
        try await client.open(software: "master-benchmark")
        try await wait("the agents are not there") { try await client.status().agents.count == count }

        // A run has a thousand names at most.
        let pause = max(0.02, Double(count) * seconds / 700)
        let plan = Plan(cycles: [Plan.Cycle(users: count, amount: .duration(.seconds(seconds)))])
        var submission = RunSubmission(
            run: "bench", target: "python3", isURLTarget: false,
            launch: RunnerLaunch(
                program: .path("python3"), arguments: ["-c", Self.program, "\(pause)"], dialect: .lines),
            order: RunnerOrder(plan: plan))
        submission.placement.agents = count
        try await client.submit(submission, files: [:])
        try await wait("the run does not end") {
            let state = try await client.snapshot(run: "bench").state
            if case .refused(_, let message) = state { throw Failure(message) }
            return state == .ended
        }
        let snapshot = try await client.snapshot(run: "bench")
        try await Task.sleep(for: .milliseconds(500))
        say(
            "\(count) loads-agent: from a hit to its number \(watcher.seen.text ?? "nothing seen"), "
                + "\(snapshot.statistics.hitCount) hits in the totals")
        await client.close()
        try await loop.perform { watcher.close() }
        await loop.shutdown()
    }

    private func wait(_ what: String, _ body: () async throws -> Bool) async throws {
        let deadline = Instant.now.advanced(by: .seconds(120))
        while try await !body() {
            guard Instant.now < deadline else { throw Failure("after two minutes \(what)") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
