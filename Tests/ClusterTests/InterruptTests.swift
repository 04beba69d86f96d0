import Foundation
import Glibc
import TestSupport
import Testing

/// Ctrl-C of somebody who watches a run on agents.
@Suite(.serialized) struct InterruptTests {
    /// Runs a command on a terminal of its own, presses Ctrl-C for each SIGUSR1, and answers the question.
    private static let terminal = """
        import os, pty, signal, sys
        answer, command = sys.argv[1], sys.argv[2:]
        pid, terminal = pty.fork()
        if pid == 0: os.execvp(command[0], command)
        signal.signal(signal.SIGUSR1, lambda *_: os.write(terminal, b"\\x03"))
        print("started", flush=True)
        seen, answered = b"", False
        while True:
            try: data = os.read(terminal, 65536)
            except OSError: break
            if not data: break
            seen += data
            sys.stdout.buffer.write(data); sys.stdout.flush()
            if not answered and b"go on watching (Enter)?" in seen:
                answered = True
                os.write(terminal, answer.encode() + b"\\n")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """

    private struct Watched {
        let cluster: Cluster
        let nginx: Nginx
        let servers: [ChildProcess]
        let json: String
        let arguments: [String]

        init() async throws {
            nginx = try await Nginx()
            cluster = try await Cluster()
            servers = [try await cluster.startMaster(), try await cluster.startAgent("a1")]
            json = cluster.directory.path + "/summary.json"
            arguments = ["run", nginx.url + "/", "-c", "2", "-d", "5m", "--think", "20ms", "--json", json]
        }

        /// Watches a run on a terminal and presses Ctrl-C once it is on its way.
        func interrupted(answer: String) async throws -> ChildProcess.Outcome {
            let script = try cluster.directory.write(InterruptTests.terminal, to: "terminal.py")
            let process = try ChildProcess(
                ["python3", script, answer, Cluster.binary("loads")] + arguments + (try await cluster.clientArguments())
            )
            try await process.wait(for: "requests") { nginx.accessLog().count > 20 }
            process.signal(SIGUSR1)
            return try await process.outcome()
        }

        var states: [String] {
            get async throws {
                (try await cluster.status()["runs"] as? [[String: Any]] ?? []).compactMap { $0["state"] as? String }
            }
        }

        func end() async {
            for server in servers.reversed() { await server.stop() }
            await nginx.stop()
        }
    }

    @Test func onATerminalItMayStopTheRun() async throws {
        let watched = try await Watched()
        let outcome = try await watched.interrupted(answer: "s")
        #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("stopping the run"), "\(outcome.output)")
        let requests = try #require(try RunSummary(watched.json).number("hits.requests"))
        #expect(try await watched.nginx.accessLog(atLeast: requests).count == requests)
        #expect(try await watched.states == ["ended"])
        await watched.end()
    }

    @Test func onATerminalItMayLeaveTheRun() async throws {
        let watched = try await Watched()
        let outcome = try await watched.interrupted(answer: "l")
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("detached: the run goes on"), "\(outcome.output)")
        #expect(!FileManager.default.fileExists(atPath: watched.json))
        #expect(try await watched.states == ["running"])
        // The users go on.
        let before = watched.nginx.accessLog().count
        #expect(try await watched.nginx.accessLog(atLeast: before + 20).count >= before + 20)
        await watched.end()
    }

    @Test func withoutATerminalItStopsTheRun() async throws {
        let watched = try await Watched()
        let run = try await watched.cluster.startLoads(watched.arguments)
        try await run.wait(for: "requests") { watched.nginx.accessLog().count > 20 }
        run.signal(SIGINT)
        let outcome = try await run.outcome()
        #expect(outcome.status == 130, "\(outcome.errors)")
        #expect(outcome.errors.contains("stopping the run") && !outcome.errors.contains("(Enter)"), "\(outcome.errors)")
        let requests = try #require(try RunSummary(watched.json).number("hits.requests"))
        #expect(try await watched.nginx.accessLog(atLeast: requests).count == requests)
        #expect(try await watched.states == ["ended"])
        await watched.end()
    }
}
