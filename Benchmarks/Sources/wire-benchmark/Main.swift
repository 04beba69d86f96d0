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
        let reports = (0..<16).map { RunnerReport.batch(batch(names, hits, seed: $0)).encoded()[0] }
        let buckets = batch(names, hits, seed: 0).statistics.names.values.reduce(0) { total, name in
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
        let whole = batch(names, hits, seed: 0)
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

    /// Log-normal latencies of about 5 ms, and phases that split them.
    private static func batch(_ names: Int, _ hits: Int, seed: Int) -> Batch {
        var random = SystemRandomNumberGenerator()
        var batch = Batch(from: 1, to: 2)
        for number in 0..<names {
            var name = NameStatistics()
            for _ in 0..<hits {
                let sum = (0..<4).reduce(0.0) { total, _ in total + Double.random(in: -0.6...0.6, using: &random) }
                let latency = Int64(5e6 * exp(sum))
                name.count += 1
                name.requests += 1
                name.bytesReceived += 1024
                name.status[200, default: 0] += 1
                name.latency.record(latency)
                // Connections are warm: no DNS, no TLS.
                name.phases[0].record(Int64.random(in: 500...5000, using: &random))
                for phase in 1...3 { name.phases[phase].record(0) }
                name.phases[4].record(Int64.random(in: 5000...20_000, using: &random))
                name.phases[5].record(latency * 8 / 10)
                name.phases[6].record(latency / 10)
            }
            batch.statistics.names["GET /catalogue/items/\(number)"] = name
        }
        return batch
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
