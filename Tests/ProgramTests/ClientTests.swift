import Foundation
import TestSupport
import Testing

/// What is in `Clients/`: runner libraries and agents in other languages.
@Suite struct ClientTests {
    @Test func pythonsOwnTestsPass() async throws {
        let outcome = try await ChildProcess.run(
            [try Clients.python(), "-m", "unittest"], environment: ["PYTHONDONTWRITEBYTECODE": "1"],
            directory: Clients.path + "/python", timeout: .seconds(600))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test func nodesOwnTestsPass() async throws {
        let outcome = try await ChildProcess.run(
            ["/bin/sh", "-c", "exec node --test test/*.test.mjs"], directory: Clients.path + "/node",
            timeout: .seconds(600))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test(arguments: ["swift", "python", "node"]) func theAgentPassesTheKit(_ language: String) async throws {
        let command =
            switch language {
            case "swift": [Clients.built("loads-agent")]
            case "python": try Clients.pythonAgent()
            default: Clients.nodeAgent
            }
        let outcome = try await ChildProcess.run(
            [
                Program.path, "conformance", "--keys", "--data", "--agent",
                // As a shell takes it: the clone's path may have spaces.
                command.map { "'\($0)'" }.joined(separator: " "),
            ],
            environment: Clients.environment, timeout: .seconds(600))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains(" 0 failed, 0 skipped"), "\(outcome.output)")
    }

    @Test(arguments: ["python", "node"]) func anAgentSaysThatNoMasterAnswers(_ language: String) async throws {
        let master = "127.0.0.1:\(try Ports.free())"
        let agent = try ChildProcess(
            (language == "python" ? try Clients.pythonAgent() : Clients.nodeAgent) + ["--master", "tcp://" + master],
            environment: Clients.environment)
        try await agent.wait(for: "a word") { agent.errors.contains("\(master): trying on") }
        #expect(agent.errors.contains("no master answers at"), "\(agent.errors)")
        agent.kill()
    }

    @Test func theKitTellsWhatAnAgentGetsWrong() async throws {
        // An agent that says nothing at all.
        let outcome = try await ChildProcess.run(
            [Program.path, "conformance", "--only", "a hello comes first", "--agent", "sleep 1000 #"])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("FAILED   a hello comes first"), "\(outcome.output)")
        #expect(outcome.output.contains("see       Docs/WireProtocol.md, hello"))
        // And one that is not there.
        let missing = try await ChildProcess.run(
            [Program.path, "conformance", "--only", "a hello comes first", "--agent", "/no/such/agent"])
        #expect(missing.status == 1)
        #expect(missing.output.contains("the agent ended with exit code 127"), "\(missing.output)")
    }
}
