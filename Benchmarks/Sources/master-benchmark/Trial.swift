import Foundation
import LoadsClient
import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import LoadsZeroMQ

/// One run of a scenario with a master of its own.
struct Trial {
    private let executable: String

    init(_ executable: String) { self.executable = executable }

    func measure(_ scenario: Scenario, watching prefix: String) async throws {
        let data = try Self.emptyDirectory()
        defer { try? FileManager.default.removeItem(atPath: data) }
        let master = try MasterProcess(executable, data: data)
        let loop = EventLoop(name: "agents")
        let side = EventLoop(name: "client")
        do {
            try await run(scenario, prefix, master, loop, side, data)
        } catch {
            master.kill()
            throw error
        }
        await loop.shutdown()
        await side.shutdown()
    }

    private func run(
        _ scenario: Scenario, _ prefix: String, _ master: MasterProcess, _ loop: EventLoop, _ side: EventLoop,
        _ data: String
    ) async throws {
        let address = master.control
        let watcher = try Watcher(master: address, prefix: prefix, on: side)
        try await side.perform { try watcher.open() }
        let agents = try await loop.perform {
            try (0..<scenario.agents).map { number in
                let agent = try SimulatedAgent(number, master: address, scenario, on: loop)
                try agent.open()
                return agent
            }
        }
        try await wait(loop, "the agents are not welcome") { agents.allSatisfy(\.isWelcome) }

        let client = MasterClient(transport: try ZeroMQClient(master: address, on: side), address: address)
        try await client.open(software: "master-benchmark")
        let plan = Plan(cycles: [Plan.Cycle(users: scenario.agents, amount: .duration(.seconds(scenario.seconds)))])
        var submission = RunSubmission(
            run: "bench", target: "http://127.0.0.1:1/", isURLTarget: true,
            launch: RunnerLaunch(program: .builtIn("url")),
            order: RunnerOrder(plan: plan, options: ["url": ["http://127.0.0.1:1/"]]))
        submission.placement.agents = scenario.agents
        try await client.submit(submission, files: [:])
        try await wait(loop, "the run does not start") { agents.contains { $0.sentBatches > 0 } }

        // A second to get going is left out.
        try await Task.sleep(for: .seconds(1))
        let (start, before, ownBefore) = (Instant.now, master.usage, Self.ownCPU)
        let sentBefore = try await loop.perform { agents.reduce(0) { $0 + $1.sentHits } }
        var memory = [before.residentMiB]
        var spooled = 0
        // Memory every ten seconds of a long run.
        let samples = max(8, Int((scenario.seconds - 2) / 10))
        for _ in 0..<samples {
            try await Task.sleep(for: .seconds((scenario.seconds - 2) / Double(samples)))
            memory.append(master.usage.residentMiB)
            spooled = max(spooled, try await loop.perform { agents.reduce(0) { $0 + $1.waiting } })
        }
        let (end, after) = (Instant.now, master.usage)
        let sentAfter = try await loop.perform { agents.reduce(0) { $0 + $1.sentHits } }
        let wall = Double(end.nanoseconds(since: start)) / 1e9
        let cpu = after.cpu - before.cpu
        let own = Self.ownCPU - ownBefore
        let threads = after.threads.map { ($0.key, $0.value - before.threads[$0.key, default: 0]) }
            .filter { $0.1 > 0.05 }.sorted { $0.1 > $1.1 }.map { "\($0.0) \(text($0.1 / wall))" }
        say(
            "  \(scenario.agents) agents, \(Int(Double(sentAfter - sentBefore) / wall)) hits/s: "
                + "\(text(cpu / wall)) cores (\(threads.joined(separator: ", "))), "
                + "\(Int(Double(sentAfter - sentBefore) / cpu)) hits a CPU second")
        say("  (the agents and the subscriber: \(text(own / wall)) cores)")
        say("  written to disk: \(text((after.writtenMiB - before.writtenMiB) / wall)) MiB/s")
        say("  memory \(memory.map { text($0) }.joined(separator: ", ")) MiB; results waiting at most \(spooled)")

        try await wait(loop, "results are not acknowledged") { agents.allSatisfy(\.isDone) }
        let slowest = try await loop.perform { agents.map(\.slowest).max() ?? 0 }
        say("  from a result to its acknowledgement \(text(slowest)) s at most")
        try await Task.sleep(for: .seconds(1))
        let sent = try await loop.perform { agents.map { ($0.id, $0.sentHits, $0.resent, $0.faults) } }
        try await check(client, sent, "after the end")
        // Of a thousand agents a thousand may say the same: the first are enough.
        let notes = try await client.log(run: "bench").map(\.event).filter { $0.kind == "note" && $0.agent == nil }
        for note in notes.prefix(10) { say("  the run's log: \(note.text)") }
        let seen = watcher.seen
        say("  subscriber: \(seen.messages) messages, \(seen.hits) hits, \(seen.missed) messages missed")
        if let latencies = seen.text { say("  from a hit to its number: \(latencies)") }
        for fault in Set(sent.flatMap(\.3)).prefix(5) { say("  fault: \(fault)") }

        master.kill()
        try await loop.perform { for agent in agents { agent.close() } }
        try await side.perform { watcher.close() }
        await client.close()
        let size = try FileManager.default.contentsOfDirectory(atPath: data).filter { $0.hasPrefix("master.sqlite") }
            .reduce(0) { total, name in
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(data)/\(name)")
                return total + (attributes[.size] as? Int ?? 0)
            }
        // What is on disk is what another master finds.
        let second = try MasterProcess(executable, data: data)
        defer { second.kill() }
        let again = MasterClient(
            transport: try ZeroMQClient(master: second.control, on: side), address: second.control)
        try await again.open(software: "master-benchmark")
        try await check(again, sent, "after a kill and a restart, from a database of \(size >> 10) KiB")
        await again.close()
    }

    /// Compares what the master has with what was sent.
    private func check(
        _ client: MasterClient, _ sent: [(String, Int, Int, [String])], _ when: String
    ) async throws {
        let snapshot = try await client.snapshot(run: "bench")
        let shares = Dictionary(snapshot.agents.map { ($0.id, $0.hits) }, uniquingKeysWith: { first, _ in first })
        let wrong = sent.filter { shares[$0.0] != $0.1 }
        let total = sent.reduce(0) { $0 + $1.1 }
        let resent = sent.reduce(0) { $0 + $1.2 }
        say(
            "  \(when): \(snapshot.state), \(total) hits sent (\(resent) results again), \(snapshot.statistics.hitCount) "
                + "in the totals, \(wrong.count) agents differ\(wrong.isEmpty ? "" : ": \(wrong.prefix(3))")")
    }

    private func wait(_ loop: EventLoop, _ what: String, _ body: @escaping @Sendable () -> Bool) async throws {
        let deadline = Instant.now.advanced(by: .seconds(60))
        while true {
            if try await loop.perform({ body() }) { return }
            guard Instant.now < deadline else { throw Failure("after a minute \(what)") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    static func emptyDirectory() throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("master-benchmark-\(getpid())").path
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private static var ownCPU: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

func text(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.1f", value) }

extension Watcher.Seen {
    /// How late the hits came that were followed; nil when none was.
    var text: String? {
        if latencies.isEmpty { return nil }
        let sorted = latencies.sorted()
        return "median \(master_benchmark.text(sorted[sorted.count / 2])) ms, "
            + "p95 \(master_benchmark.text(sorted[sorted.count * 95 / 100])) ms, \(sorted.count) hits followed"
    }
}

extension EventLoop {
    /// Does something on the loop and waits for it.
    @discardableResult
    func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}

/// Prints a line at once, also into a file.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
