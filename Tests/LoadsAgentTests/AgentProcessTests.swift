import Foundation
import Testing

/// What an agent leaves behind, seen on one in a process of its own.
@Suite struct AgentProcessTests {
    @Test func aRunnerDiesWithItsAgent() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "loads-\(UUID().uuidString)").path
        let agent = Process()
        agent.executableURL = URL(filePath: Fixtures.executable)
        agent.arguments = ["agent", file]
        try agent.run()
        let runner = await Processes.number(in: file)
        // It has said hello, or is about to; what it asks the kernel for, it asks before that.
        try await Task.sleep(for: .milliseconds(300))
        kill(agent.processIdentifier, SIGKILL)
        #expect(await Processes.isGone(runner))
        agent.waitUntilExit()
    }

    @Test func noDescriptorAndNoChildIsLeft() throws {
        let agent = Process()
        agent.executableURL = URL(filePath: Fixtures.executable)
        agent.arguments = ["count"]
        let output = Pipe()
        agent.standardOutput = output
        try agent.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        agent.waitUntilExit()
        let words = text.split(separator: " ", maxSplits: 2).map { $0.trimmingCharacters(in: .newlines) }
        #expect(words.count == 3 && words[0] == words[1] && words[2] == "no children", "\(text)")
    }
}
