import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// A local run that is published like a master's: `--stream tcp://…`.
@Suite(.serialized) struct PublishTests {
    /// Subscribes, prints every hit and event, and the number of hits once the run has ended.
    private static let subscriber = """
        import sys, msgpack, zmq
        socket = zmq.Context().socket(zmq.SUB)
        socket.reconnect_ivl = 10
        socket.connect(sys.argv[1]); socket.subscribe(b"hits/"); socket.subscribe(b"events/")
        print("subscribed", flush=True)
        hits, numbers = [], {}
        while True:
            topic, message = socket.recv_multipart()
            fields = msgpack.unpackb(message)
            numbers.setdefault(topic, []).append(fields["seq"])
            if fields["type"] == "hits":
                columns = fields["columns"]
                hits += [columns["strings"][name] for name in columns["name"]]
            if fields["type"] == "event":
                print("event", fields["kind"], flush=True)
                if fields["kind"] == "ended": break
        socket.rcvtimeo = 300
        try:
            while True: hits += msgpack.unpackb(socket.recv_multipart()[1]).get("count", 0) * ["late"]
        except zmq.Again: pass
        gaps = [topic for topic, list in numbers.items() if list != [*range(1, len(list) + 1)]]
        print("hits", len(hits), *sorted(set(hits)), "gaps", len(gaps), flush=True)
        """

    @Test func aSubscriberOfALocalRunSeesEveryHit() async throws {
        let python = try Clients.python()
        // A subscriber that finds the socket only after the first hit has missed it: three attempts.
        var said = ""
        for _ in 0..<3 {
            let server = try TestServer()
            let directory = try TemporaryDirectory()
            let (port, json) = (try Ports.free(), directory.path + "/summary.json")
            let address = "tcp://127.0.0.1:\(port)"
            let subscriber = try ChildProcess([python, "-c", Self.subscriber, address])
            try await subscriber.wait(for: "subscription") { subscriber.output.contains("subscribed") }
            // Nothing for two seconds, then ten arrivals within one.
            let outcome = try await Program.run([
                server.url + "/", "--stages", "2s:0/s,0s:10/s,1s:10/s", "--name", "front", "--stream", address,
                "--json",
                json,
            ])
            #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.errors.contains("publishing on \(address)"), "\(outcome.errors)")
            let written = try Written(json: json)
            #expect(try written.number("hits.count") == 10 && server.requests == 10)
            let heard = try await subscriber.outcome(timeout: .seconds(60))
            await server.stop()
            #expect(heard.status == 0, "\(heard.errors)")
            said = heard.output
            if said.contains("event started"), said.contains("hits 10 front gaps 0\n") { return }
        }
        Issue.record("three times: \(said)")
    }

    @Test func anAddressThatIsTakenIsToldBeforeTheRun() async throws {
        let server = try TestServer()
        let outcome = try await Program.run([
            server.url + "/", "--stream", "tcp://127.0.0.1:\(server.port)",
        ])
        #expect(outcome.status == 64 && outcome.output == "")
        #expect(outcome.errors.contains("tcp://127.0.0.1:\(server.port)"), "\(outcome.errors)")
        #expect(server.requests == 0)
        await server.stop()
    }
}
