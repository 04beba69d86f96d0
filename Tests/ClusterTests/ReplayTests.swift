import Foundation
import TestSupport
import Testing

/// Frames that were recorded and are sent again, by the agent's machine or by somebody else.
@Suite(.serialized) struct ReplayTests {
    @Test func whatIsSentAgainChangesNothing() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        // Python's agent, whose hellos and results are kept and sent again and again from sockets of their own.
        let script = try cluster.directory.write(
            """
            import sys, threading, time, msgpack, zmq
            from loads import agent, link, serving
            counts, hellos, results, master = sys.argv.pop(1), [], [], sys.argv[sys.argv.index("--master") + 1]
            class Recorder(link.Link):
                def send(self, data):
                    if msgpack.unpackb(data)["type"] == "hello": hellos.append(data)
                    return super().send(data)
                async def push(self, data):
                    await super().push(data)
                    results.append((self._place, data))
            serving.Link = link.Link = Recorder
            def replay():
                context, hello_count, result_count = zmq.Context(), 0, 0
                while True:
                    time.sleep(0.25)
                    for place, data in list(results)[-200:]:
                        socket = context.socket(zmq.PUSH); socket.linger = 1000
                        socket.connect(place); socket.send(data); socket.send(data); socket.close()
                        result_count += 2
                    if result_count and hello_count < 2:
                        socket = context.socket(zmq.DEALER); socket.linger = 1000
                        socket.connect(master); socket.send(hellos[0]); time.sleep(0.5); socket.close()
                        hello_count += 1
                    open(counts, "w").write(f"{hello_count} {result_count}")
            threading.Thread(target=replay, daemon=True).start()
            agent.main()
            """, to: "replayer.py")
        let counts = cluster.directory.path + "/counts"
        let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
        let agent = try ChildProcess(
            [python, script, counts, "--master", cluster.address, "--name", "a1", "--id", "a1"],
            environment: [
                "PYTHONPATH": Cluster.repository + "/Clients/python", "PYTHONDONTWRITEBYTECODE": "1",
            ])
        let runner = try cluster.directory.write(
            """
            import os, sys, time
            sys.stdin.readline()
            out = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
            for number in range(120):
                out.write('{"t": 0.1, "name": "x", "status": 200, "ms": 1.5}\\n'); out.flush(); time.sleep(0.1)
            """, to: "runner.py")
        let json = cluster.directory.path + "/summary.json"
        let outcome = try await cluster.loads([
            "run", "-c", "1", "-n", "120", "--json", json, "--include", runner, "--", "python3", "runner.py",
        ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(agent.errors)")
        let summary = try RunSummary(json)
        #expect(summary.number("hits.count") == 120)
        #expect(summary.agents.map { $0["state"] as? String } == ["finished"], "\(summary.agents)")
        // It was tried: old hellos, and many results.
        let tried = try String(contentsOfFile: counts, encoding: .utf8).split(separator: " ").compactMap { Int($0) }
        #expect(tried.count == 2 && tried[0] == 2 && tried[1] > 100, "\(tried)")
        #expect(master.exitStatus == nil)
        agent.kill()
        await master.stop()
    }
}
