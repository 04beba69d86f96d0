import Foundation
import TestSupport
import Testing

/// Peers without a key, with a wrong one, with one of another role: real processes against a master with keys.
@Suite(.serialized) struct KeyFaultTests {
    private func cluster(_ body: (Cluster, ChildProcess) async throws -> Void) async throws {
        let cluster = try await Cluster(keys: true)
        let master = try await cluster.startMaster()
        try await body(cluster, master)
        await master.stop()
    }

    private func loads(_ arguments: [String], _ cluster: Cluster, keys: String?) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            [Cluster.binary("loads")] + arguments + ["--master", cluster.address]
                + (keys.map { ["--keys", $0] } ?? []), timeout: .seconds(120))
    }

    /// An agent's process that is not let in.
    private func agent(_ cluster: Cluster, keys: String?) throws -> ChildProcess {
        try ChildProcess(
            [
                Cluster.binary("loads-agent"), "--master", cluster.address, "--name", "x", "--id", "x", "--data",
                cluster.directory.path + "/x",
            ] + (keys.map { ["--keys", $0] } ?? []))
    }

    /// A folder of keys with another master's public key.
    private func folderOfAnotherMaster(_ cluster: Cluster, _ role: String) async throws -> String {
        let other = cluster.directory.path + "/other"
        if !FileManager.default.fileExists(atPath: other) {
            try await Cluster.loads(["keys", "master", "--dir", other])
        }
        let folder = try #require(try await cluster.keyFolder(role, "misled"))
        try FileManager.default.removeItem(atPath: folder + "/master.public")
        try FileManager.default.copyItem(atPath: other + "/master.public", toPath: folder + "/master.public")
        return folder
    }

    @Test func whoHasNoKeyIsToldSo() async throws {
        try await cluster { cluster, master in
            let client = try await loads(["status"], cluster, keys: nil)
            #expect(client.status == 69)
            #expect(client.errors.contains("demands a key") && client.errors.contains("--keys"), "\(client.errors)")
            let agent = try agent(cluster, keys: nil)
            try await agent.wait(for: "reason") {
                agent.errors.contains("demands a key") && agent.errors.contains("--keys")
            }
            #expect(agent.output == "")
            try await master.wait(for: "log") { master.errors.contains("a peer without a key was turned away") }
            agent.kill()
        }
    }

    @Test func whoHasAKeyThatNobodyKnowsIsToldSo() async throws {
        try await cluster { cluster, master in
            for role in ["client", "agent"] {
                let folder = try #require(try await cluster.keyFolder(role, "stranger"))
                try FileManager.default.removeItem(atPath: cluster.keys! + "/master/\(role)s/stranger.public")
                if role == "client" {
                    let outcome = try await loads(["status"], cluster, keys: folder)
                    #expect(outcome.status == 69)
                    #expect(outcome.errors.contains("turns this key away"), "\(outcome.errors)")
                    #expect(outcome.errors.contains("loads keys"))
                } else {
                    let agent = try agent(cluster, keys: folder)
                    try await agent.wait(for: "reason") { agent.errors.contains("turns this key away") }
                    agent.kill()
                }
            }
            try await master.wait(for: "log") { master.errors.contains("nobody here knows its key") }
        }
    }

    @Test func whoTrustsAnotherMasterIsToldSo() async throws {
        try await cluster { cluster, master in
            let client = try await loads(
                ["status"], cluster, keys: try await folderOfAnotherMaster(cluster, "client"))
            #expect(client.status == 69)
            #expect(client.errors.contains("another than master.public says"), "\(client.errors)")
            let agent = try agent(cluster, keys: try await folderOfAnotherMaster(cluster, "agent"))
            try await agent.wait(for: "reason") { agent.errors.contains("another than master.public says") }
            agent.kill()
        }
    }

    @Test func whoHasAKeyThatAMasterWithoutKeysCannotUseIsToldSo() async throws {
        let keyed = try await Cluster(keys: true)
        let folder = try await keyed.keyFolder("client", "me")
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let outcome = try await loads(["status"], cluster, keys: folder)
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("uses no keys"), "\(outcome.errors)")
        await master.stop()
    }

    @Test func aKeyOpensWhatItsRoleMayDoAndNothingElse() async throws {
        try await cluster { cluster, master in
            let first = try await cluster.startAgent("a1")
            // An agent's key and a watcher's start no run; a watcher's may look.
            for (role, words) in [("agent", "is no client's"), ("watcher", "a watcher's key may watch")] {
                let folder = try #require(try await cluster.keyFolder(role, "other"))
                let run = try await loads(
                    ["run", "http://127.0.0.1:9/", "-c", "1", "-n", "1"], cluster, keys: folder)
                #expect(run.status != 0 && run.errors.contains(words), "\(role): \(run.errors)")
                let status = try await loads(["status"], cluster, keys: folder)
                #expect((status.status == 0) == (role == "watcher"), "\(role): \(status.errors)")
            }
            // A client's key is no agent's.
            let folder = try #require(try await cluster.keyFolder("client", "liar"))
            let agent = try agent(cluster, keys: folder)
            let honest = try await agent.outcome(timeout: .seconds(120))
            #expect(honest.status != 0 && honest.errors.contains("has no agent.secret"), "\(honest.errors)")
            // Nor when its files say so.
            for half in ["secret", "public"] {
                try FileManager.default.copyItem(atPath: "\(folder)/client.\(half)", toPath: "\(folder)/agent.\(half)")
            }
            let liar = try self.agent(cluster, keys: folder)
            for _ in 0..<1_200 where liar.exitStatus == nil && !liar.errors.contains("no agent's") {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(liar.errors.contains("no agent's") && liar.output == "", "\(liar.errors)")
            liar.kill()
            let status = try await cluster.status()
            #expect((status["runs"] as? [Any])?.isEmpty == true && (status["agents"] as? [Any])?.count == 1)
            await first.stop()
        }
    }

    /// What comes to the results with a client's key, and with another agent's in the name of the first.
    @Test func nobodyReportsInAnothersName() async throws {
        try await cluster { cluster, master in
            let first = try await cluster.startAgent("a1")
            let script = try cluster.directory.write(
                """
                import sys, time, msgpack, zmq
                from zmq.utils.monitor import recv_monitor_message
                control, results, me, folder, role, run = sys.argv[1:7]
                context = zmq.Context()
                def socket(kind, folder, role):
                    def key(name): return open(f"{folder}/{name}").read().strip().encode()
                    socket = context.socket(kind)
                    socket.curve_serverkey = key("master.public")
                    socket.curve_publickey, socket.curve_secretkey = key(role + ".public"), key(role + ".secret")
                    socket.linger = 0
                    return socket
                # A client may learn everything that is in a result.
                client = socket(zmq.DEALER, me, "client")
                client.connect(control)
                def ask(number, type, **fields):
                    client.send(msgpack.packb({"v": 1, "type": type, "request": number, **fields}))
                    return msgpack.unpackb(client.recv())
                ask(1, "hello", software="test")
                epoch = ask(2, "status")["agents"][0]["hello"]["epoch"]
                socket = socket(zmq.PUSH, folder, role)
                monitor = socket.get_monitor_socket(
                    zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
                socket.connect(results)
                event = recv_monitor_message(monitor)["event"]
                if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH: sys.exit("turned away")
                for number in range(1, 200):
                    socket.send(msgpack.packb({"v": 1, "type": "result", "run": run, "agent": "a1", "epoch": epoch,
                        "seq": number, "ended": {"state": "finished", "interrupted": False, "seconds": 1.0}}))
                print("sent", flush=True)
                # Until it is seen that they have come.
                time.sleep(1000)
                """, to: "forge.py")
            let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
            let runner = try cluster.directory.write(
                """
                import json, os, sys, time
                sys.stdin.readline()
                out = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
                for number in range(60):
                    out.write('{"t": 0.1, "name": "x", "status": 200, "ms": 1.5}\\n'); out.flush(); time.sleep(0.1)
                while not os.path.exists(sys.argv[1] + "/forged"): time.sleep(0.05)
                """, to: "runner.py")
            let json = cluster.directory.path + "/summary.json"
            let run = try await cluster.startLoads([
                "run", "-c", "1", "-n", "60", "--json", json, "--include", runner, "--", "python3", "runner.py",
                cluster.directory.path,
            ])
            try await cluster.wait(for: "a run") { status in
                (status["runs"] as? [[String: Any]] ?? []).contains { $0["hits"] as? Int ?? 0 > 0 }
            }
            let status = try await cluster.status()
            let id = try #require((status["runs"] as? [[String: Any]])?.first?["id"] as? String)
            let me = try #require(try await cluster.keyFolder("client", "me"))
            for (role, isLetIn) in [("client", false), ("agent", true)] {
                let folder = try #require(try await cluster.keyFolder(role, "forger"))
                let forger = try ChildProcess([
                    python, script, cluster.address, "tcp://127.0.0.1:\(cluster.results)", me, folder, role, id,
                ])
                guard isLetIn else {
                    let outcome = try await forger.outcome()
                    #expect(outcome.status == 1, "\(outcome.output)\(outcome.errors)")
                    #expect(outcome.errors.contains("turned away"), "\(outcome.errors)")
                    try await master.wait(for: "log") { master.errors.contains("its key forger is for: client") }
                    continue
                }
                try await forger.wait(for: "results") { forger.output.contains("sent") }
                try await master.wait(for: "log") {
                    master.errors.contains("in the name of the agent a1 came from the key forger")
                }
                await forger.killed()
            }
            try cluster.directory.write("", to: "forged")
            let outcome = try await run.outcome(timeout: .seconds(120))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try RunSummary(json).number("hits.count") == 60)
            await first.stop()
        }
    }
}
