import Foundation
import LoadsCore
import LoadsReport
import LoadsWire
import Synchronization
import TestSupport
import Testing

@testable import loads_cli

/// Files that are written second by second, of somebody who has not seen all of a run.
@Suite struct LiveOutputsTests {
    private static func second(_ number: Int) -> MeasuredSecond {
        var statistics = Statistics()
        statistics.iterations.ok = 2
        statistics.users = 3
        var name = NameStatistics()
        name.count = 2
        for _ in 0..<2 { name.latency.record(5_000_000) }
        statistics.names["GET /"] = name
        return MeasuredSecond(second: number, statistics)
    }

    private static let all = (0..<70).map(second)

    private static var summary: Summary {
        var total = Statistics()
        for second in all { total.merge(second.statistics) }
        return Summary(
            id: "r", target: "t", startedAt: 1_700_000_000, duration: 70, interrupted: false,
            plan: Plan(cycles: [.init(users: 3, amount: .duration(.seconds(70)))]), statistics: total,
            isURLTarget: false)
    }

    private func interval(_ second: MeasuredSecond, isBacklog: Bool = false) -> MeasuredInterval {
        MeasuredInterval(
            statistics: second.statistics, from: Double(second.second), to: Double(second.second + 1),
            startedAt: 1_700_000_000, isBacklog: isBacklog)
    }

    private func outputs(_ directory: TemporaryDirectory) throws -> Outputs {
        var settings = Settings()
        settings.add("csv-series", directory.path + "/series.csv", label: "--csv-series")
        settings.add("hdr-log", directory.path + "/times.hlog", label: "--hdr-log")
        var read = Readings()
        let asked = CheckedOutputs(settings, &read)
        try #require(read.problems.isEmpty, "\(read.problems)")
        return try Outputs(asked)
    }

    private func rows(_ directory: TemporaryDirectory) throws -> [(second: Int, count: Int)] {
        let text = try String(contentsOfFile: directory.path + "/series.csv", encoding: .utf8)
        var rows: [(second: Int, count: Int)] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if fields[2] == "all" { rows.append((Int(fields[0]) ?? -1, Int(fields[5]) ?? -1)) }
        }
        return rows
    }

    /// Somebody attaches after a minute: in the end the files hold the whole run.
    @Test func whatWasBeforeIsHadFromTheMaster() async throws {
        let directory = try TemporaryDirectory()
        let outputs = try outputs(directory)
        let live = LiveOutputs(outputs, run: "r", target: "t", console: Console(quiet: true))
        outputs.begin()
        chmod(directory.path + "/series.csv", 0o640)
        var earlier = Statistics()
        for second in Self.all.prefix(60) { earlier.merge(second.statistics) }
        live.measured(interval(MeasuredSecond(second: 0, earlier), isBacklog: true))
        for second in Self.all.dropFirst(60) { live.measured(interval(second)) }
        let asked = Mutex<[Int]>([])
        let failed = await live.finish(Self.summary) { from in
            asked.withLock { $0.append(from) }
            return Array(Self.all.drop { $0.second < from }.prefix(30))
        }
        #expect(!failed)
        #expect(asked.withLock { $0 } == [0, 30, 60, 70, 0, 30, 60, 70])
        #expect(try rows(directory).map(\.second) == Array(0..<70))
        #expect(try rows(directory).allSatisfy { $0.count == 2 })
        let log = try String(contentsOfFile: directory.path + "/times.hlog", encoding: .utf8)
        #expect(log.split(separator: "\n").count { $0.hasPrefix("Tag=GET%20/,") } == 70)
        // Nothing else is left, and who may read it may still read it.
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(files.sorted() == ["series.csv", "times.hlog"])
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/series.csv")
        #expect(attributes[.posixPermissions] as? Int == 0o640)
    }

    @Test func aFileThatHoldsTheWholeRunIsLeftAlone() async throws {
        let directory = try TemporaryDirectory()
        let outputs = try outputs(directory)
        let live = LiveOutputs(outputs, run: "r", target: "t", console: Console(quiet: true))
        outputs.begin()
        for second in Self.all { live.measured(interval(second)) }
        let failed = await live.finish(Self.summary) { _ in
            Issue.record("nothing is missing")
            return []
        }
        #expect(try !failed && rows(directory).count == 70)
    }

    /// The master is gone, or keeps no seconds: what came here stays, and what is missing is told.
    @Test(arguments: [true, false]) func whatCannotBeHadFromTheMasterIsMissing(_ isGone: Bool) async throws {
        let directory = try TemporaryDirectory()
        let outputs = try outputs(directory)
        let live = LiveOutputs(outputs, run: "r", target: "t", console: Console(quiet: true))
        outputs.begin()
        for second in Self.all.dropFirst(65) { live.measured(interval(second)) }
        let failed = await live.finish(Self.summary) { _ in
            if isGone { throw Unreachable() }
            return []
        }
        #expect(failed)
        #expect(try rows(directory).map(\.second) == Array(65..<70))
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(files.sorted() == ["series.csv", "times.hlog"])
    }

    private struct Unreachable: Error {}
}
