import Foundation
import TestSupport
import Testing

/// Files on their way to agents over a slow network.
@Suite(.serialized) struct ShippingTests {
    /// Lets so many bytes a second through from the master to each agent, and writes down how many have come at the worst while
    /// a beat of that agent was without an answer: that is how long its line was, however slow this machine is.
    private static let proxy = """
        import asyncio, os, socket, sys
        listen, control, rate, report = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
        worst, passed = 0, 0

        async def pump(reader, writer, kind, rate, count):
            global passed
            rest = b""
            while data := await reader.read(1 << 14):
                text = rest + data
                count(text.count(kind), len(data))
                rest = text[1 - len(kind):]
                writer.write(data)
                await writer.drain()
                if rate:
                    passed += len(data)
                    await asyncio.sleep(len(data) / rate)
            writer.close()

        async def serve(reader, writer):
            global worst
            upstream = socket.socket()
            # What the kernel holds would hide what waits.
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            upstream.connect(("127.0.0.1", control))
            their_reader, their_writer = await asyncio.open_connection(sock=upstream, limit=1 << 15)
            # What had come down when the beats came that wait for their answers.
            down, waiting = 0, []
            def beat(count, size):
                waiting.extend([down] * count)
            def lease(count, size):
                nonlocal down
                global worst
                del waiting[:count]
                down += size
                # Two of the first ones, about the hello, may be answered by something else.
                if len(waiting) > 2: worst = max(worst, down - waiting[2])
            await asyncio.gather(
                pump(reader, their_writer, b"\\xa4type\\xa4beat", 0, beat),
                pump(their_reader, writer, b"\\xa4type\\xa5lease", rate, lease))

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", listen)
            print("ready", flush=True)
            while True:
                await asyncio.sleep(0.1)
                with open(report + ".new", "w") as file: print(worst, passed, file=file)
                os.replace(report + ".new", report)

        asyncio.run(main())
        """

    /// A lease is five beats long: with so many unanswered, the third of them for three seconds of this network, it is over, and
    /// commands would come as late.
    @Test func beatsAreAnsweredWhileFilesAreShipped() async throws {
        let cluster = try await Cluster()
        let master = try await cluster.startMaster()
        let port = try Ports.free()
        let report = cluster.directory.path + "/report"
        let script = try cluster.directory.write(Self.proxy, to: "proxy.py")
        let proxy = try ChildProcess(["python3", script, "\(port)", "\(cluster.control)", "5e6", report])
        try await proxy.wait(for: "readiness") { proxy.output.contains("ready") }
        var agents: [ChildProcess] = []
        for name in ["a1", "a2"] {
            agents.append(try await cluster.startAgent(name, ["--master", "tcp://127.0.0.1:\(port)"]))
        }
        // 50 MiB are ten seconds of this network.
        let size = 50 << 20
        let file = cluster.directory.path + "/large.bin"
        try Data(repeating: 7, count: size).write(to: URL(filePath: file))
        let json = cluster.directory.path + "/summary.json"
        let outcome = try await cluster.loads([
            "run", "-c", "2", "-n", "1", "--json", json, "--include", file, "--", "sh", "-c",
            "read -r plan; test $(wc -c <large.bin) = \(size) && echo '{\"name\":\"x\",\"ms\":1}' >&$LOADS_RESULTS_FD",
        ])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let summary = try RunSummary(json)
        #expect(summary.users == ["a1": 1, "a2": 1] && summary.number("hits.count") == 2)
        for program in agents + [master] {
            #expect(!program.errors.contains("silent") && !program.errors.contains("no word"), "\(program.errors)")
        }
        var figures: [Int] = []
        try await proxy.wait(for: "report that all of it came through the slow network") {
            let text = (try? String(contentsOfFile: report, encoding: .utf8)) ?? ""
            figures = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            return figures.count == 2 && figures[1] > 2 * size
        }
        #expect(figures[0] < 3 * 5_000_000, "\(figures[0]) bytes while a beat was without an answer")
        for process in agents + [proxy, master] { await process.stop() }
    }
}
