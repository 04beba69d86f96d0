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
            import os, sys, threading, time, msgpack, zmq
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
                    with open(counts + ".new", "w") as file: file.write(f"{hello_count} {result_count}")
                    os.replace(counts + ".new", counts)
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
                out.write('{"t": 0.1, "name": "x", "status": 200, "ms": 1.5}\\n'); out.flush(); time.sleep(0.05)
            while not os.path.exists(sys.argv[1] + "/tried"): time.sleep(0.05)
            """, to: "runner.py")
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", "-c", "1", "-n", "120", "--json", json, "--include", runner, "--", "python3", "runner.py",
            cluster.directory.path,
        ])
        // It goes on until it was tried: old hellos, and many results.
        try await agent.wait(for: "replays", timeout: .seconds(120)) {
            let tried = (try? String(contentsOfFile: counts, encoding: .utf8)) ?? ""
            let numbers = tried.split(separator: " ").compactMap { Int($0) }
            return numbers.count == 2 && numbers[0] == 2 && numbers[1] > 1_000
        }
        try cluster.directory.write("", to: "tried")
        let outcome = try await run.outcome()
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(agent.errors)")
        let summary = try RunSummary(json)
        #expect(summary.number("hits.count") == 120)
        #expect(summary.agents.map { $0["state"] as? String } == ["finished"], "\(summary.agents)")
        #expect(master.exitStatus == nil)
        agent.kill()
        await master.stop()
    }
}
