import Foundation
import TestSupport
import Testing

/// What the options of a plan do to a real server: cycles, ramp-up, connections, files.
@Suite struct PlanTests {
    @Test func cyclesRunOneAfterTheOther() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let outcome = try await Program.run([
            nginx.url + "/", "-c", "1:2:3", "-n", "4:3", "--pause", "50ms", "--json", json, "--stream", stream,
        ])
        let log = try await nginx.accessLog(atLeast: 19)
        await nginx.stop()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let written = try Written(json: json, stream: stream)
        #expect(log.count == 19)
        #expect(try written.number("hits.count") == 19)
        #expect(try written.list("plan.cycles").map { $0["users"] as? Int } == [1, 2, 3])
        #expect(try written.list("plan.cycles").map { $0["iterations"] as? Int } == [4, 3, 3])
        // User 0 is in all three cycles, user 2 in the last one only; their iterations are counted on.
        let iterations = Dictionary(grouping: written.lines) { $0["user"] as? Int ?? -1 }
            .mapValues { $0.compactMap { $0["iteration"] as? Int }.sorted() }
        #expect(iterations == [0: Array(0..<10), 1: Array(0..<6), 2: Array(0..<3)])
        // Nobody starts before the pauses are over.
        let starts = written.lines.compactMap { ($0["user"] as? Int) == 2 ? ($0["t"] as? NSNumber)?.doubleValue : nil }
        #expect(starts.allSatisfy { $0 >= 0.1 })
        try await written.checkSchema()
    }

    @Test func usersStartEvenlyOverTheRampUp() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let stream = directory.path + "/hits.ndjson"
        let json = directory.path + "/summary.json"
        let outcome = try await Program.run([
            nginx.url + "/", "-c", "4", "--ramp-up", "400ms", "--json", json, "--stream", stream,
        ])
        await nginx.stop()
        #expect(outcome.status == 0)
        let written = try Written(json: json, stream: stream)
        #expect(written.lines.count == 4)
        for line in written.lines {
            let (user, time) = (try #require(line["user"] as? Int), try #require(line["t"] as? NSNumber).doubleValue)
            #expect(time >= Double(user) * 0.1, "user \(user) at \(time) s")
        }
    }

    @Test(arguments: [false, true]) func connectionsOutliveIterationsUnlessNewOnesAreWanted(_ new: Bool) async throws {
        let nginx = try await Nginx()
        let outcome = try await Program.run(
            [nginx.url + "/", "-c", "2", "-n", "5"] + (new ? ["--new-connections"] : []))
        let log = try await nginx.accessLog(atLeast: 10)
        await nginx.stop()
        #expect(outcome.status == 0)
        #expect(log.count == 10)
        #expect(Set(log.compactMap { $0.split(separator: " ").last }).count == (new ? 10 : 2))
    }

    @Test func aConfigurationFileIsAPlan() async throws {
        let nginx = try await Nginx()
        let directory = try TemporaryDirectory()
        let (json, stream) = (directory.path + "/summary.json", directory.path + "/hits.ndjson")
        let file = try directory.write(
            """
            target: \(nginx.url)/
            users: 2:3
            iterations: 5
            name: front page
            header: ["X-A: b"]
            json: \(json)
            stream: \(stream)
            quiet: true
            """, to: "loads.yml")
        let outcome = try await Program.run(["--config", file, "-n", "4"])
        await nginx.stop()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors == "")
        let written = try Written(json: json, stream: stream)
        // The command line wins.
        #expect(try written.number("hits.count") == 20)
        #expect(written.lines.count == 20)
        #expect(written.lines.allSatisfy { $0["name"] as? String == "front page" })
        try await written.checkSchema()
    }
}
