import Foundation
import TestSupport
import Testing

/// Processes that are killed, stopped and started again in the middle of a run.
@Suite(.serialized) struct FaultTests {
    @Test func anAgentThatIsKilledIsNamedWithWhatIsMissing() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        var (delivered, killed, served) = (Delivered(served: 0, time: 0), Date.distantPast, 0)
        var pause = 0.0
        let outcome = try await cluster.run(
            nginx, duration: "15s", ["--on-lost", "continue", "--stream", cluster.hitFile]
        ) {
            try await Task.sleep(for: .seconds(2))
            delivered = try await cluster.delivered(nginx, users: 10)
            pause = Self.longestPause(of: 1.5)
            second.kill(SIGKILL)
            killed = .now
            await second.killed()
            served = nginx.accessLog().count
        }
        let lost = try #require(outcome.summary.agents.first { $0["id"] as? String == "a2" })
        #expect(lost["state"] as? String == "lost", "\(outcome.summary.agents)")
        #expect(lost["users"] as? Int == 5)
        let missing = try #require(lost["missing"] as? [String: Any])
        // Nothing comes of it from a time before its death on, on the run's clock, of which it knows how far it may be off.
        let from = try #require(missing["from_s"] as? Double)
        let death = killed.timeIntervalSince(try outcome.summary.started)
        let error = lost["clock_error_s"] as? Double ?? 0
        #expect(from <= death + error + 0.01, "\(missing), killed after \(death) s")
        // It begins at most a second before its death, and no earlier but for what this machine held everybody up meanwhile.
        #expect(from > death - 1 - error - 4 * pause, "\(missing), killed after \(death) s, held up for \(pause) s")
        let whole = try #require(outcome.summary.agents.first { $0["id"] as? String == "a1" })
        #expect(whole["missing"] is NSNull || whole["missing"] == nil)
        try outcome.expectOnlyTheLastMoments(of: "a2", after: delivered, death: served)
        #expect(outcome.requests > 500)
        await first.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test func anAgentThatWasStoppedForHalfAMinuteGoesOnAndNothingIsMissing() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let (first, second) = (try await cluster.startAgent("a1"), try await cluster.startAgent("a2"))
        let outcome = try await cluster.run(nginx, duration: "45s") {
            second.signal(SIGSTOP)
            try await Task.sleep(for: .seconds(30))
            second.signal(SIGCONT)
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(outcome.summary.agents.allSatisfy { $0["state"] as? String == "finished" }, "\(outcome.summary.agents)")
        await first.stop()
        await second.stop()
        await master.stop()
        await nginx.stop()
    }

    @Test func aMasterThatIsKilledComesBackWithExactTotals() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agents = [try await cluster.startAgent("a1"), try await cluster.startAgent("a2")]
        var revived: ChildProcess?
        // Who watches says so after three seconds without a word.
        let outcome = try await cluster.run(nginx, duration: "24s") {
            for pause in [2, 9] {
                try await Task.sleep(for: .seconds(3))
                await (revived ?? master).killed()
                try await Task.sleep(for: .seconds(pause))
                revived = try await cluster.startMaster()
            }
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("waiting for the master at \(cluster.address) ("), "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(outcome.summary.agents.allSatisfy { $0["state"] as? String == "finished" }, "\(outcome.summary.agents)")
        for agent in agents { await agent.stop() }
        await revived?.stop()
        await nginx.stop()
    }

    @Test func aSlowSubscriberSlowsNobodyAndCanTell() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let script = try cluster.directory.write(
            Self.subscriber, to: "subscriber.py")
        // Each hit has a URL of its own, so that 60,000 are some 120 MB. Most of them come once one of the two is stopped, and
        // not so fast that the other one cannot read them beside whatever else this machine does.
        let runner = try cluster.directory.write(
            """
            import os, sys, time
            sys.stdin.readline()
            out = os.fdopen(int(os.environ["LOADS_RESULTS_FD"]), "w")
            for number in range(60000):
                if number == 2000:
                    while not os.path.exists(sys.argv[1] + "/flood"): time.sleep(0.05)
                url = f"http://x/{number}/" + "u" * 2000
                out.write('{"t": 0.1, "name": "x", "url": "%s", "status": 200, "ms": 1.5}\\n' % url)
                if number % 200 == 0: out.flush(); time.sleep(0.05)
            """, to: "runner.py")
        let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
        let (slow, quick) = (
            try ChildProcess([python, script, "tcp://127.0.0.1:\(cluster.stream)"]),
            try ChildProcess([python, script, "tcp://127.0.0.1:\(cluster.stream)"])
        )
        for subscriber in [slow, quick] {
            try await subscriber.wait(for: "subscription") { subscriber.output.contains("subscribed") }
        }
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads([
            "run", "-c", "1", "-n", "60000", "--json", json, "--include", runner, "--", "python3", "runner.py",
            cluster.directory.path,
        ])
        try await slow.wait(for: "hits") { Self.last("seen", in: slow.output) > 1_000 }
        slow.signal(SIGSTOP)
        try cluster.directory.write("", to: "flood")
        let outcome = try await run.outcome(timeout: .seconds(180))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try RunSummary(json).number("hits.count") == 60_000)
        // It goes on when all is over, and can tell what it has not seen; the other one has seen everything.
        slow.signal(SIGCONT)
        try await quick.wait(for: "hits, all of them") { quick.output.contains("seen 60000 missed 0\n") }
        // Of what waited the master kept 256 messages; of the rest it knows.
        try await slow.wait(for: "word of what it has missed") { Self.last("missed", in: slow.output) > 0 }
        for process in [slow, quick] { process.kill() }
        await agent.stop()
        await master.stop()
    }

    /// A program that tells, after each message of hits, how many it has seen and missed.
    private static let subscriber = """
        import sys, zmq, msgpack
        socket = zmq.Context().socket(zmq.SUB)
        # How much the kernel holds of its own accord depends on the machine.
        socket.rcvbuf = 1 << 20
        socket.connect(sys.argv[1]); socket.subscribe(b"hits/")
        print("subscribed", flush=True)
        seen, last, missed = 0, 0, 0
        # A topic beats for a while after the end of its run: who has missed the end finds that out.
        while True:
            message = msgpack.unpackb(socket.recv_multipart()[1])
            missed += message["seq"] - last - 1
            last = message["seq"]
            seen += message.get("count", 0)
            print("seen", seen, "missed", missed, flush=True)
        """

    /// For how long, at most, this process was held up while it slept for so many seconds.
    private static func longestPause(of seconds: Double) -> Double {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var (longest, last) = (Duration.zero, clock.now)
        while last < end {
            Thread.sleep(forTimeInterval: 0.005)
            let now = clock.now
            longest = max(longest, now - last)
            last = now
        }
        return longest / .seconds(1)
    }

    /// The number behind a word where it stands last in lines that are whole.
    private static func last(_ word: String, in output: String) -> Int {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let line = lines.last { $0.contains(word + " ") }
        let words = line?.split(separator: " ") ?? []
        return words.firstIndex { $0 == word }.flatMap { Int(words[$0 + 1]) } ?? 0
    }

    @Test func aSecondAgentOfTheSameNameIsRefusedWhileTheFirstLives() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let first = try await cluster.startAgent("a1")
        let second = try await cluster.startAgent(
            "a1", ["--data", cluster.directory.path + "/other"], waits: false)
        try await second.wait(for: "refusal") { second.errors.contains("is connected already") }
        let agents = try await cluster.status()["agents"] as? [[String: Any]]
        #expect(agents?.count == 1)
        // When the first has gone, the second takes its place.
        first.kill(SIGKILL)
        try await second.wait(for: "welcome") { second.output.hasPrefix("ready ") }
        await second.stop()
        await master.stop()
    }

    /// It is killed in the middle of a run and started again with its old data at a master in the middle of another run.
    @Test func anAgentOfAnotherMasterIsNotMixedUp() async throws {
        let (target, foreignTarget) = (try await Nginx(), try await Nginx())
        let (cluster, foreign) = (try await Cluster(), try await Cluster())
        let masters = [
            try await cluster.startMaster(), try await foreign.startMaster(["--lost-after", "3s"]),
        ]
        let (own, stranger) = (try await cluster.startAgent("a1"), try await foreign.startAgent("a2"))
        let json = foreign.directory.path + "/foreign.json"
        let run = try await foreign.startLoads([
            "run", foreignTarget.url + "/", "-c", "5", "-d", "300s", "--think", "10ms", "--json", json,
        ])
        try await run.wait(for: "requests", timeout: .seconds(60)) { foreignTarget.accessLog().count > 200 }
        let runs = try await foreign.status()["runs"] as? [[String: Any]]
        let name = try #require(runs?.first?["id"] as? String)
        var again: ChildProcess?
        let outcome = try await cluster.run(target, duration: "8s") {
            await stranger.killed()
            let agent = try await cluster.startAgent("a2", ["--data", foreign.directory.path + "/a2"])
            #expect(agent.errors.contains("run \(name): results of an earlier start are kept"), "\(agent.errors)")
            try await agent.wait(for: "refusal") {
                agent.errors.contains("the master says: this master does not know the run \(name)")
            }
            again = agent
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(outcome.summary.users == ["a1": 10])
        // It is an agent like any other from now on.
        let both = try await cluster.run(target, duration: "3s") {}
        #expect(both.log == both.requests && both.summary.users == ["a1": 5, "a2": 5])
        // Its old master has what it had acknowledged, and says from when on the rest is missing.
        let end = try await run.outcome()
        #expect(end.errors.contains("a2 is lost"), "\(end.status) \(end.errors)")
        let summary = try RunSummary(json)
        #expect(summary.agent("a2")["state"] as? String == "lost")
        let requests = try #require(summary.number("hits.requests"))
        #expect(requests > 100 && requests <= foreignTarget.accessLog().count)
        await own.stop()
        await again?.stop()
        for process in masters { await process.stop() }
        for nginx in [target, foreignTarget] { await nginx.stop() }
    }

    @Test func garbageOnEverySocketChangesNothing() async throws {
        let nginx = try await Nginx()
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let agent = try await cluster.startAgent("a1")
        let script = try cluster.directory.write(
            """
            import os, random, socket, sys, time, zmq
            control, results, stream = (int(port) for port in sys.argv[1:4])
            random.seed(1)
            context = zmq.Context()
            def watch(frames):
                # As a subscriber says it (ZMTP 3.0), without libzmq, which dies of a long subscription of its own.
                peer = socket.create_connection(("127.0.0.1", stream)); peer.settimeout(60)
                peer.sendall(b"\\xff" + bytes(8) + b"\\x7f\\x03\\x00" + b"NULL".ljust(20, b"\\0") + bytes(32))
                while len(peer.recv(64, socket.MSG_PEEK)) < 64: pass
                ready = b"\\x05READY\\x0bSocket-Type\\x00\\x00\\x00\\x03SUB"
                try:
                    peer.sendall(bytes([4, len(ready)]) + ready)
                    for number, frame in enumerate(frames):
                        more = 1 if number < len(frames) - 1 else 0
                        peer.sendall(bytes([2 | more]) + len(frame).to_bytes(8, "big") + frame)
                except OSError: pass
                return peer
            def subscribe():
                # What a watcher may say, and whatever else. One that is too long ends its connection: each has its own.
                peers = [watch(frames) for frames in (
                    [b"\\x01" + bytes(1 << 20)], [b"\\x00" + bytes(1 << 20)], [bytes(1 << 20)], [b"\\x01" + b"stats/" * 680],
                    [b"\\x01"] * 1000, [b""], [b"\\x02hits/", b"more"])]
                time.sleep(1)
                for peer in peers: peer.close()
                for number in range(20):
                    peer = context.socket(zmq.XSUB); peer.setsockopt(zmq.LINGER, 1000)
                    peer.connect(f"tcp://127.0.0.1:{stream}")
                    for number in range(200):
                        peer.send(random.choice([b"\\x00", b"\\x01", b""]) + os.urandom(random.choice([0, 1, 20, 1000])))
                    peer.close()
                peer = context.socket(zmq.SUB); peer.connect(f"tcp://127.0.0.1:{stream}")
                peer.subscribe(os.urandom(100)); peer.unsubscribe(b"never")
            subscribe()
            for port, kind in ((control, zmq.DEALER), (results, zmq.PUSH), (stream, zmq.SUB)):
                raw = socket.create_connection(("127.0.0.1", port)); raw.sendall(os.urandom(5000)); raw.close()
                if kind == zmq.SUB: continue
                peer = context.socket(kind); peer.setsockopt(zmq.LINGER, 2000)
                peer.connect(f"tcp://127.0.0.1:{port}")
                for number in range(500):
                    peer.send_multipart([os.urandom(random.choice([0, 1, 10, 1000]))] * random.choice([1, 2, 5]))
                peer.send(b"\\x81" + os.urandom(20)); peer.send(b"\\xdf\\xff\\xff\\xff\\xff"); peer.send(b"\\x91" * 100000)
                try: peer.send(bytes(40 << 20))
                except zmq.ZMQError: pass
            time.sleep(2)
            print("done", flush=True)
            os._exit(0)
            """, to: "garbage.py")
        let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] ?? "python3"
        // Somebody else watches the same stream, and misses nothing.
        let watcher = try cluster.directory.write(
            Self.subscriber, to: "watcher.py")
        let watching = try ChildProcess([python, watcher, "tcp://127.0.0.1:\(cluster.stream)"])
        try await watching.wait(for: "subscription") { watching.output.contains("subscribed") }
        let outcome = try await cluster.run(nginx, duration: "8s") {
            let garbage = try await ChildProcess.run([
                python, script, "\(cluster.control)", "\(cluster.results)", "\(cluster.stream)",
            ])
            #expect(garbage.status == 0, "\(garbage.errors)")
        }
        #expect(outcome.status == 0, "\(outcome.errors)\(master.errors)")
        #expect(outcome.log == outcome.requests)
        #expect(master.exitStatus == nil)
        try await watching.wait(for: "hits, all of them") {
            watching.output.contains("seen \(outcome.requests) missed 0\n")
        }
        watching.kill()
        await agent.stop()
        await master.stop()
        await nginx.stop()
    }
}
