import Foundation
import LoadsClient
import LoadsCore
import LoadsEventLoop
import LoadsWire
import LoadsZeroMQ

/// What an agent itself costs for each hit that its runner makes: a `loads-agent` whose URL runner calls a server as fast
/// as it can, with its statistics only, and with every hit sent along.
struct AgentCost {
    let master: String
    let agent: String
    let url: String

    func measure(seconds: Double) async throws {
        for raw in [false, true] { try await measure(seconds: seconds, raw: raw) }
    }

    private func measure(seconds: Double, raw: Bool) async throws {
        let data = try Trial.emptyDirectory()
        defer { try? FileManager.default.removeItem(atPath: data) }
        let master = try MasterProcess(master, data: "\(data)/master")
        let loop = EventLoop(name: "client")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: agent)
        process.arguments = [
            "--master", master.control, "--id", "agent", "--data", "\(data)/agent", "--log-level", "error",
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
            master.kill()
        }
        let client = MasterClient(
            transport: try ZeroMQClient(master: master.control, on: loop), address: master.control)
        try await client.open(software: "master-benchmark")
        try await wait("the agent is not there") { try await client.status().agents.count == 1 }
        // The plan asks for every hit: nobody subscribes, so that the master's share of the machine stays small.
        var plan = Plan(cycles: [Plan.Cycle(users: 50, amount: .duration(.seconds(seconds)))])
        plan.rawHits = raw
        let submission = RunSubmission(
            run: "bench", target: url, isURLTarget: true, launch: RunnerLaunch(program: .builtIn("url")),
            order: RunnerOrder(plan: plan, options: ["url": [url]]))
        try await client.submit(submission, files: [:])
        try await wait("the run does not start") { try await client.snapshot(run: "bench").elapsed > 1 }
        let (start, before) = (try await client.snapshot(run: "bench").statistics.hitCount, ownCPU(process))
        try await Task.sleep(for: .seconds(seconds - 2))
        let (end, after) = (try await client.snapshot(run: "bench").statistics.hitCount, ownCPU(process))
        try await wait("the run does not end") { try await client.snapshot(run: "bench").state == .ended }
        let rate = Double(end - start) / (seconds - 2)
        say(
            "an agent \(raw ? "that sends every hit" : "with statistics only"): \(Int(rate)) hits/s, "
                + "\(String(format: "%.3f", (after - before) / Double(end - start) * 1e6)) µs of its own CPU a hit")
        await client.close()
        await loop.shutdown()
    }

    /// User and system time of the process without its children, in seconds.
    private func ownCPU(_ process: Process) -> Double {
        let stat = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13 else { return 0 }
        return (Double(fields[12])! + Double(fields[13])!) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private func wait(_ what: String, _ body: () async throws -> Bool) async throws {
        let deadline = Instant.now.advanced(by: .seconds(120))
        while try await !body() {
            guard Instant.now < deadline else { throw Failure("after two minutes \(what)") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
