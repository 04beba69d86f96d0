import ArgumentParser
import LoadsClient
import LoadsCore
import LoadsReport
import LoadsWire

/// `loads status`: agents and runs.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show a master's agents and runs.")

    @Flag(help: "As JSON.") var json = false
    @OptionGroup var options: MasterOptions

    func run() async throws {
        let status = try await options.withClient { try await $0.status() }
        Console().write(json ? Self.json(status) : Self.text(status))
    }

    // MARK: Text

    static func text(_ status: ClusterStatus) -> String {
        var agents = TextTable([
            "agent", "state", "cores", "memory", "busy", "in, out", "own CPU, memory", "round trip", "run", "labels",
        ])
        for agent in status.agents {
            let hello = agent.hello
            let silence = agent.silence >= 2 ? " (\(Int(agent.silence)) s)" : ""
            agents.add([
                hello.name == hello.agent ? hello.agent : "\(hello.agent) (\(hello.name))",
                agent.state.rawValue + silence, "\(hello.cores)", gibibytes(hello.memoryBytes),
                percent(agent.usage.busyCores / Double(max(1, hello.cores))),
                "\(megabytes(agent.usage.receivedBytesPerSecond)), \(megabytes(agent.usage.sentBytesPerSecond)) MB/s",
                "\(Int(agent.usage.cpuSeconds)) s, \(agent.usage.residentBytes >> 20) MiB",
                agent.roundTrip.map { "\(Int($0 * 1e6)) µs" } ?? "-", agent.run ?? "-",
                hello.labels.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ","),
            ])
        }
        var runs = TextTable(["run", "state", "target", "users", "elapsed", "iterations", "hits", "failed"])
        for run in status.runs {
            runs.add([
                run.run, phrase(run), run.target, "\(run.users)", "\(Int(run.elapsed)) s",
                "\(run.iterations.ended)", "\(run.hits)", "\(run.failedHits)",
            ])
        }
        return (status.agents.isEmpty ? "no agents: start one with loads-agent --master ADDRESS\n" : agents.text)
            + "\n" + (status.runs.isEmpty ? "no runs\n" : runs.text)
    }

    private static func gibibytes(_ bytes: Int) -> String {
        let tenths = (bytes * 10) >> 30
        return "\(tenths / 10).\(tenths % 10) GiB"
    }

    private static func megabytes(_ bytes: Double) -> String {
        let tenths = Int((bytes / 1e5).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func percent(_ fraction: Double) -> String { "\(Int((fraction * 100).rounded())) %" }

    /// A run's state, and what has to be said of it.
    static func phrase(_ run: ClusterStatus.RunStatus) -> String {
        switch run.state {
        case .queued: run.waitsFor.map { "queued: \($0)" } ?? "queued"
        case .ended where run.outcome != .finished: run.outcome.map { "ended: \($0.rawValue)" } ?? "ended"
        case .refused(_, let message): "refused: \(message)"
        default: word(run.state)
        }
    }

    private static func word(_ state: RunState) -> String {
        switch state {
        case .queued: "queued"
        case .preparing: "preparing"
        case .running: "running"
        case .stopping: "stopping"
        case .ended: "ended"
        case .refused: "refused"
        }
    }

    // MARK: JSON

    static func json(_ status: ClusterStatus) -> String {
        var json = JSONWriter(indent: 2)
        json.object { json in
            json.key("boot")
            json.value(status.boot)
            json.array("agents") { json in for agent in status.agents { json.object { write(agent, &$0) } } }
            json.array("runs") { json in for run in status.runs { json.object { write(run, &$0) } } }
        }
        json.newline()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func write(_ agent: ClusterStatus.AgentStatus, _ json: inout JSONWriter) {
        let hello = agent.hello
        for (key, text) in [
            ("id", hello.agent), ("name", hello.name), ("state", agent.state.rawValue), ("software", hello.software),
            ("architecture", hello.platform.architecture), ("library", hello.platform.library),
        ] {
            json.key(escaping: key)
            json.value(text)
        }
        json.key("run")
        json.value(agent.run)
        json.key("cores")
        json.value(hello.cores)
        json.key("memory_bytes")
        json.value(hello.memoryBytes)
        json.object("labels") { json in
            for (name, value) in hello.labels.sorted(by: { $0.key < $1.key }) {
                json.key(escaping: name)
                json.value(value)
            }
        }
        json.key("silence_s")
        json.value(agent.silence, decimals: 3)
        json.key("round_trip_s")
        json.value(agent.roundTrip, decimals: 6)
        json.object("usage") { json in
            json.key("busy_cores")
            json.value(agent.usage.busyCores, decimals: 3)
            json.key("cpu_s")
            json.value(agent.usage.cpuSeconds, decimals: 3)
            json.key("resident_bytes")
            json.value(agent.usage.residentBytes)
            json.key("descriptors")
            json.value(agent.usage.descriptors)
            json.key("received_bytes_per_s")
            json.value(agent.usage.receivedBytesPerSecond, decimals: 0)
            json.key("sent_bytes_per_s")
            json.value(agent.usage.sentBytesPerSecond, decimals: 0)
        }
    }

    private static func write(_ run: ClusterStatus.RunStatus, _ json: inout JSONWriter) {
        json.key("id")
        json.value(run.run)
        json.key("target")
        json.value(run.target)
        json.key("state")
        json.value(word(run.state))
        json.key("outcome")
        json.value(run.outcome?.rawValue)
        json.key("reason")
        if case .refused(_, let message) = run.state { json.value(message) } else { json.value(run.waitsFor) }
        json.key("started")
        json.value(run.startedAt.map(Timestamp.utc))
        json.key("elapsed_s")
        json.value(run.elapsed, decimals: 3)
        for (key, count) in [
            ("users", run.users), ("iterations", run.iterations.ended), ("hits", run.hits), ("failed", run.failedHits),
        ] {
            json.key(escaping: key)
            json.value(count)
        }
    }
}
