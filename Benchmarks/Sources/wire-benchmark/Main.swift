import BenchmarkBatches
import Glibc
import LoadsCore
import LoadsWire

/// What a batch costs the master: `swift run -c release --package-path Benchmarks wire-benchmark`.
///
/// Batches of 50 names, each with a latency and seven phases, merge into one interval's statistics as those of 1,000
/// agents do in a second. CPU time of the process, the median of five rounds.
@main enum Main {
    static func main() throws {
        for hits in [5, 20, 100] { try statistics(names: 50, hits: hits) }
        try rawHits(count: 10_000)
    }

    private static func statistics(names: Int, hits: Int) throws {
        let reports = (0..<16).map { _ in RunnerReport.batch(.logNormal(names: names, hits: hits)).encoded()[0] }
        let buckets = Batch.logNormal(names: names, hits: hits).statistics.names.values.reduce(0) { total, name in
            ([name.latency] + name.phases).reduce(total) { total, histogram in
                var count = total
                histogram.forEachBucket { _, _ in count += 1 }
                return count
            }
        }
        let batches = 1000
        let histograms = Double(batches * names * 8)
        print("\(names) names of \(hits) hits, \(reports[0].count) bytes, \(buckets / names / 8) buckets a histogram")

        let reading = try median {
            for place in 0..<batches { _ = try BatchReader(report: reports[place % reports.count]) }
        }
        let merging = try median {
            var merged = Statistics()
            for place in 0..<batches {
                try BatchReader(report: reports[place % reports.count])!.merge(into: &merged)
            }
        }
        let unfolding = try median {
            var merged = Statistics()
            for place in 0..<batches {
                guard case .batch(let batch) = try RunnerReport(decoding: reports[place % reports.count]) else {
                    return
                }
                merged.merge(batch.statistics)
            }
        }
        let whole = Batch.logNormal(names: names, hits: hits)
        let writing = median {
            for _ in 0..<batches { _ = RunnerReport.batch(whole).encoded() }
        }
        for (what, seconds) in [
            ("read", reading), ("read and merge", merging), ("the same, unfolded", unfolding), ("write", writing),
        ] {
            print(
                "  \(what): \(text(seconds / Double(batches) * 1e6)) µs a batch, \(text(seconds / histograms * 1e9)) ns a histogram"
            )
        }
    }

    private static func rawHits(count: Int) throws {
        var batch = Batch(to: 1)
        for number in 0..<count {
            batch.hits.append(
                RawHit(
                    time: Double(number) / 1000, user: number % 5000, iteration: number / 100,
                    name: "GET /\(number % 50)",
                    method: "GET", url: "http://127.0.0.1:8080/\(number % 50)", status: 200,
                    latency: 1_000_000 + Int64(number) * 7, bytes: 1024, requests: 1, error: nil))
        }
        let report = RunnerReport.batch(batch).encoded()[0]
        var reader = try BatchReader(report: report)!
        let reading = try median { for _ in 0..<20 { reader = try BatchReader(report: report)! } }
        let passing = median {
            for _ in 0..<20 {
                _ = reader.streamMessage(run: "r", boot: "0011223344556677", sequence: 1, time: 1, agent: "a")
            }
        }
        let unfolding = median { for _ in 0..<20 { _ = reader.hits } }
        print("raw hits, \(report.count / count) bytes a hit")
        for (what, seconds) in [("read", reading), ("copy to the stream", passing), ("unfold", unfolding)] {
            print("  \(what): \(text(seconds / Double(20 * count) * 1e9)) ns a hit")
        }
    }

    private static func median(_ body: () throws -> Void) rethrows -> Double {
        var rounds: [Double] = []
        for _ in 0..<5 {
            let start = clock()
            try body()
            rounds.append(Double(clock() - start) / Double(CLOCKS_PER_SEC))
        }
        return rounds.sorted()[2]
    }

    private static func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
