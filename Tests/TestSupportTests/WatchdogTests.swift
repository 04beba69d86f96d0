import Foundation
import Testing

@testable import TestSupport

@Suite struct WatchdogTests {
    @Test func whatIsLeftWhenTheRunEndsIsKilledAndDeleted() async throws {
        let left = try ChildProcess(["sh", "-c", "sleep 600 & wait"])
        let stubborn = try ChildProcess(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600; done"])
        let spared = try ChildProcess(["sleep", "600"])
        try await stubborn.wait(for: "trap") { stubborn.output == "ready\n" }
        let directory = try TemporaryDirectory()
        let lines = """
            start \(left.identifier)
            start \(spared.identifier)
            start \(stubborn.identifier)
            directory \(directory.path)
            end \(spared.identifier)

            """
        #expect(try await ChildProcess.run(["/bin/sh", "-c", Watchdog.script], input: lines).status == 0)
        #expect(try await left.outcome().status == 128 + 15)
        #expect(try await stubborn.outcome().status == 128 + 9)
        #expect(spared.exitStatus == nil)
        #expect(!FileManager.default.fileExists(atPath: directory.path))
        await spared.stop()
    }
}
