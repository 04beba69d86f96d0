import Foundation
import LoadsTestServer
import TestSupport
import Testing

/// Open load models and stages, with real processes and a server whose behaviour is known.
@Suite struct LoadModelTests {
    /// Runs and reads the summary.
    static func run(_ arguments: [String], status: Int32 = 0) async throws -> (written: Written, output: String) {
        let directory = try TemporaryDirectory()
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run(arguments + ["--json", json])
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        return (try Written(json: json), outcome.output)
    }

    @Test(arguments: [
        (["--rate", "200/s", "-d", "2s"], 400), (["--rate", "0.5/s", "-d", "2s"], 1),
        (["--rate", "90/m", "-d", "2s"], 3),
        (["--stages", "1s:200/s,500ms:200/s,500ms:0"], 250),
        (["--stages", "200ms:100/s,0s:500/s,200ms:500/s", "--repeat", "3"], 430),
    ])
    func asManyIterationsStartAsThePlanSays(_ options: [String], _ count: Int) async throws {
        let nginx = try await Nginx()
        let (written, output) = try await Self.run([nginx.url + "/"] + options)
        let log = try await nginx.accessLog(atLeast: count)
        await nginx.stop()
        #expect(log.count == count)
        for path in ["arrivals.planned", "arrivals.started", "iterations.ok", "hits.count"] {
            #expect(try written.number(path) == Double(count), "\(path)")
        }
        #expect(try written.number("arrivals.dropped") == 0)
        #expect(output.contains("arrivals") && output.contains("response") && output.contains("service"))
        try await written.checkSchema()
    }

    @Test func poissonArrivalsComeAtTheirRate() async throws {
        let server = try TestServer()
        let (written, _) = try await Self.run([server.url + "/", "--rate", "500/s", "-d", "2s", "--poisson"])
        await server.stop()
        // 1,000 with a standard deviation of 32.
        let planned = try written.number("arrivals.planned")
        #expect(abs(planned - 1000) < 200)
        #expect(try written.number("arrivals.started") == planned)
        #expect(written.value("plan.poisson") as? Bool == true)
    }

    @Test func theSeedSaysWhenPoissonArrivalsCome() async throws {
        let server = try TestServer()
        func planned(_ options: [String]) async throws -> (count: Double, seed: Int) {
            let options = ["--rate", "500/s", "-d", "500ms", "--poisson"] + options
            let (written, _) = try await Self.run([server.url + "/"] + options)
            return (try written.number("arrivals.planned"), try #require(written.value("plan.seed") as? Int))
        }
        // Whatever the runs are called, which is another name each time.
        var counts: [Double] = []
        for seed in 7...10 {
            let one = try await planned(["--seed", "\(seed)"])
            #expect(try await planned(["--seed", "\(seed)"]) == one)
            #expect(one.seed == seed)
            counts.append(one.count)
        }
        #expect(Set(counts).count > 1)
        // What the summary names as the seed of a run that was given none makes the same arrivals.
        let drawn = try await planned([])
        #expect(try await planned(["--seed", "\(drawn.seed)"]) == drawn)
        await server.stop()
    }

    @Test func arrivalsBeyondUsersAndQueueAreDroppedAndCounted() async throws {
        let server = try TestServer()
        let (written, output) = try await Self.run([
            // Nobody is free again before the last of them is due, even where this machine stands still for a while.
            server.url + "/delay/4000", "--rate", "100/s", "-d", "500ms", "--max-users", "2", "--queue", "3",
        ])
        await server.stop()
        #expect(try written.number("arrivals.planned") == 50)
        #expect(try written.number("arrivals.started") == 5)
        #expect(try written.number("arrivals.dropped") == 45)
        #expect(output.contains("45 dropped"))
    }

    @Test func pacingIsTheLeastTimeBetweenTwoStarts() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let stream = directory.path + "/hits.ndjson"
        let (written, _) = try await Self.run([
            server.url + "/delay/20", "-c", "1", "-n", "5", "--pacing", "100ms", "--stream", stream,
        ])
        await server.stop()
        #expect(try written.number("plan.pacing_s") == 0.1)
        let times = try String(contentsOfFile: stream, encoding: .utf8).split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(object?["t"] as? NSNumber).doubleValue
        }
        #expect(times.count == 5)
        // From the start on, not from call to call: a busy machine may let time pass between the start of an iteration and its
        // call.
        for (number, time) in times.sorted().enumerated() {
            #expect(time >= Double(number) * 0.1 - 0.000_01, "\(times)")
        }
    }

    @Test func theWarmUpIsApart() async throws {
        let server = try TestServer()
        let (written, output) = try await Self.run([
            server.url + "/delay/5", "--rate", "100/s", "-d", "2s", "--warm-up", "500ms",
        ])
        let requests = server.counts.requests
        await server.stop()
        #expect(try written.number("arrivals.planned") == 150)
        #expect(try written.number("warm_up.arrivals.planned") == 50)
        #expect(try written.number("hits.count") == 150)
        #expect(try written.number("warm_up.hits.count") == 50)
        #expect(requests == 200)
        #expect(output.contains("warm-up") && output.contains("50 iterations"))
        try await written.checkSchema()
    }

    @Test func aPlanInAFileIsAPlan() async throws {
        let server = try TestServer()
        let directory = try TemporaryDirectory()
        let file = directory.path + "/loads.yml"
        let text = """
            target: \(server.url)/
            stages: 200ms:100/s,300ms:100/s
            max-users: 20
            queue: 50
            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let (written, _) = try await Self.run(["--config", file])
        await server.stop()
        #expect(try written.number("arrivals.started") == 40)
        #expect(try written.number("plan.max_users") == 20 && written.number("plan.queue") == 50)
    }
}
