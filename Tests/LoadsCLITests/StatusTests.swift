import LoadsCore
import LoadsWire
import Testing

@testable import loads_cli

@Suite struct StatusTests {
    private func run(
        _ state: RunState, outcome: ClusterStatus.RunStatus.Outcome? = nil, waitsFor: String? = nil
    ) -> ClusterStatus {
        ClusterStatus(
            boot: "b", agents: [],
            runs: [
                .init(
                    run: "r1", target: "t", state: state, startedAt: nil, elapsed: 3, users: 1,
                    iterations: IterationCounts(), hits: 0, failedHits: 0, outcome: outcome, waitsFor: waitsFor)
            ])
    }

    private func row(_ status: ClusterStatus) throws -> String {
        let text = StatusCommand.text(status)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3, "no agents, the head, one run: \(text)")
        return String(try #require(lines.last))
    }

    @Test func aLongReasonIsOneShortLine() throws {
        let reason = "the runner ended before the run: exit code 3\nTraceback:\n" + String(repeating: "x", count: 500)
        let row = try row(run(.refused(code: 71, message: reason)))
        #expect(row.contains("refused: the runner ended before the run: exit code 3") && row.contains("…"))
        #expect(row.count < 160)
        #expect(StatusCommand.json(run(.refused(code: 71, message: reason))).contains("Traceback"))
    }

    @Test func howARunEndedIsShown() throws {
        #expect(try row(run(.ended, outcome: .finished)).contains("ended  "))
        #expect(try row(run(.ended, outcome: .crashed)).contains("ended: crashed"))
        #expect(try row(run(.ended, outcome: .stopped)).contains("ended: stopped"))
        #expect(StatusCommand.json(run(.ended, outcome: .incomplete)).contains("\"outcome\": \"incomplete\""))
    }

    @Test func whatARunWaitsForIsShown() throws {
        #expect(
            try row(run(.queued, waitsFor: "waits for one more agent")).contains("queued: waits for one more agent"))
    }

    @Test func whatAnAgentMeasuresOfItselfIsShown() {
        var usage = HostUsage()
        usage.busyCores = 1
        usage.cpuSeconds = 12.5
        usage.residentBytes = 64 << 20
        usage.receivedBytesPerSecond = 1_250_000
        usage.sentBytesPerSecond = 80_000
        let hello = AgentHello(
            agent: "a1", name: "a1", epoch: "0", software: "",
            platform: Platform(system: "linux", architecture: "x86_64", library: "glibc 2.36"), cores: 4,
            memoryBytes: 8 << 30)
        let status = ClusterStatus(
            boot: "b",
            agents: [.init(hello: hello, state: .idle, silence: 0, usage: usage, roundTrip: nil, run: nil)], runs: [])
        let lines = StatusCommand.text(status).split(separator: "\n")
        #expect(lines[1].contains("25 %  1.3, 0.1 MB/s  12 s, 64 MiB"), "\(lines[1])")
        let json = StatusCommand.json(status)
        #expect(json.contains("\"received_bytes_per_s\": 1250000") && json.contains("\"sent_bytes_per_s\": 80000"))
    }
}
