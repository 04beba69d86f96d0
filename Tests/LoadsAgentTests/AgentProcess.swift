import Foundation
import LoadsEventLoop
import LoadsTransport
import LoadsZeroMQ
import Synchronization

/// The executable `loads-agent` in a process of its own, and a played master over real sockets.
final class AgentProcess: Sendable {
    let master: PlayedMaster
    private let loop = EventLoop(name: "played-master")
    private let address: String
    private let current = Mutex<Process?>(nil)
    private let printed = Mutex("")

    /// Opens the master, anywhere on loopback.
    init(_ manners: PlayedMaster.Manners = .init()) async throws {
        let anywhere = "tcp://127.0.0.1:0"
        let master = PlayedMaster(
            try ZeroMQMaster(control: anywhere, results: anywhere, stream: anywhere, on: loop), manners)
        self.master = master
        address = try await OnLoop(loop: loop).run { try master.open().control }
    }

    /// Starts an agent.
    func start(_ arguments: [String] = []) throws {
        let process = Process()
        process.executableURL = URL(filePath: Fixtures.executable).deletingLastPathComponent().appending(
            path: "loads-agent")
        process.arguments = ["--master", address, "--id", "agent-1"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        output.fileHandleForReading.readabilityHandler = { [self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            printed.withLock { $0 += String(decoding: data, as: UTF8.self) }
        }
        try process.run()
        current.withLock { $0 = process }
    }

    var number: pid_t { current.withLock { $0?.processIdentifier ?? -1 } }
    var output: String { printed.withLock { $0 } }

    func signal(_ number: Int32) { kill(self.number, number) }

    /// Waits for the end of the process; for at most a minute.
    ///
    /// - Returns: Its exit code, or the negative number of the signal that ended it.
    func ended() async -> Int32? {
        guard let process = current.withLock({ $0 }) else { return nil }
        for _ in 0..<6000 where process.isRunning { try? await Task.sleep(for: .milliseconds(10)) }
        if process.isRunning { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Ends whatever there is.
    func close() async {
        signal(SIGKILL)
        _ = await ended()
        let transport = master.transport
        _ = try? await OnLoop(loop: loop).run { transport.close() }
        await loop.shutdown()
    }

    /// Descriptors that the agent has open.
    var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(number)/fd").count) ?? -1
    }

    /// Children of the agent, zombies included.
    var children: [String] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(number)/task")) ?? []
        return tasks.flatMap { task in
            ((try? String(contentsOfFile: "/proc/\(number)/task/\(task)/children", encoding: .utf8)) ?? "")
                .split(separator: " ").map(String.init)
        }
    }
}
