import CLinux
import Foundation
import Glibc
import LoadsCore
import LoadsWire

/// A test process started as a runner, with this process as its agent.
struct RunnerProcess {
    /// What the runner reported, and how its process ended.
    struct Outcome {
        var statistics = Statistics()
        var notes: [String] = []
        var refusal: (code: Int, message: String)?
        var ended = false
        var exitCode: Int32 = -1
        var output = ""

        /// How often iterations failed at a place.
        func failures(_ place: String) -> Int { statistics.failures[place]?.count ?? 0 }
    }

    let executable: String
    var environment: [String: String] = [:]

    /// Runs scenarios to the end; blocks the thread.
    ///
    /// - Parameter abortOnceStarted: The run is aborted when so many iterations have started.
    func run(
        _ scenarios: [String], users: Int = 5, iterations: Int = 20, abortOnceStarted: Int? = nil,
        change: (inout Plan) -> Void = { _ in }
    ) throws -> Outcome {
        var plan = Plan(cycles: [Plan.Cycle(users: users, amount: .iterations(iterations))])
        plan.loops = 2
        change(&plan)
        let commands = Pipe()
        let reports = Pipe()
        let output = Pipe()
        let order = RunnerCommand.run(RunnerOrder(plan: plan, scenarios: scenarios))

        let process = try spawn(commands, reports, output)
        commands.fileHandleForWriting.write(Data(FrameParser.frame(order.encoded())))
        var outcome = Outcome()
        var isAborted = false
        try read(reports.fileHandleForReading, into: &outcome) { outcome in
            guard let abortOnceStarted, !isAborted, outcome.statistics.iterations.started >= abortOnceStarted else {
                return
            }
            isAborted = true
            commands.fileHandleForWriting.write(Data(FrameParser.frame(RunnerCommand.abort.encoded())))
        }
        outcome.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        outcome.exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
        return outcome
    }

    private func spawn(_ commands: Pipe, _ reports: Pipe, _ output: Pipe) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let ends = [
            (commands.fileHandleForReading, Int32(3)), (reports.fileHandleForWriting, 4),
            (output.fileHandleForWriting, 1), (output.fileHandleForWriting, 2),
        ]
        // Copies far above the child's numbers, so that no dup2 overwrites what a later one needs; everything else that
        // this process has open, other tests' pipes included, is closed in the child.
        let copies = ends.map { fcntl($0.0.fileDescriptor, F_DUPFD_CLOEXEC, 1000) }
        defer { for copy in copies { close(copy) } }
        for (copy, end) in zip(copies, ends) { posix_spawn_file_actions_adddup2(&actions, copy, end.1) }
        _ = loads_spawn_close_from(&actions, 5)
        var variables = ProcessInfo.processInfo.environment
        variables.merge(["LOADS_RUNNER": "1", "LOADS_COMMANDS_FD": "3", "LOADS_REPORTS_FD": "4"]) { $1 }
        variables.merge(environment) { $1 }
        var arguments = [strdup(executable), nil]
        var strings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for string in arguments + strings { free(string) } }
        var process = pid_t()
        let status = posix_spawn(&process, executable, &actions, nil, &arguments, &strings)
        guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .ENOENT) }
        for (handle, number) in ends where number != 2 { try handle.close() }
        return process
    }

    /// - Parameter meanwhile: Called after each report.
    private func read(_ handle: FileHandle, into outcome: inout Outcome, meanwhile: (Outcome) -> Void) throws {
        var parser = FrameParser()
        while true {
            let data = handle.availableData
            if data.isEmpty { return }
            data.withUnsafeBytes { parser.append($0) }
            while let message = try parser.next() {
                switch try RunnerReport(decoding: message) {
                case .hello, .ready, .started, .value: break
                case .batch(let batch): outcome.statistics.merge(batch.statistics)
                case .note(let text): outcome.notes.append(text)
                case .ended: outcome.ended = true
                case .refused(let code, let message): outcome.refusal = (code, message)
                }
                meanwhile(outcome)
            }
        }
    }
}
