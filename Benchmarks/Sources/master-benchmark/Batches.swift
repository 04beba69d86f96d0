import Foundation
import LoadsCore
import LoadsWire

/// What simulated runners report: batches made beforehand, in which only the interval is set.
struct Batches: Sendable {
    private struct Template {
        var batch: Batch
        var bytes: [UInt8]
        /// Where the two numbers of the interval are.
        var from: Int
        var to: Int
    }

    private let templates: [Template]
    /// Hits of a batch.
    let hits: Int
    let bytes: Int

    /// - Parameter raw: Whether each hit is in the batch, too.
    init(names: Int, hits: Int, raw: Bool = false) {
        self.hits = names * hits
        templates = (0..<8).map { _ in
            let batch = Self.batch(names, hits, raw)
            let reports = RunnerReport.batch(batch).encoded()
            precondition(reports.count == 1, "a batch that does not fit into one report")
            let bytes = reports[0]
            return Template(
                batch: batch, bytes: bytes, from: Self.place(of: "from_s", in: bytes),
                to: Self.place(of: "to_s", in: bytes))
        }
        bytes = templates[0].bytes.count
    }

    /// The report of an interval, in seconds since the start.
    func report(_ number: Int, from: Double, to: Double) -> [UInt8] {
        let template = templates[number % templates.count]
        var bytes = template.bytes
        for (place, value) in [(template.from, from), (template.to, to)] {
            withUnsafeBytes(of: value.bitPattern.bigEndian) { digits in
                for offset in 0..<8 { bytes[place + offset] = digits[offset] }
            }
        }
        return bytes
    }

    /// The same with one more hit, of a name of its own.
    func report(_ number: Int, from: Double, to: Double, probe: String) -> [UInt8] {
        var batch = templates[number % templates.count].batch
        (batch.from, batch.to) = (from, to)
        var name = NameStatistics()
        name.count = 1
        name.latency.record(1_000_000)
        batch.statistics.names[probe] = name
        return RunnerReport.batch(batch).encoded()[0]
    }

    private static func place(of key: String, in bytes: [UInt8]) -> Int {
        let pattern = [0xa0 | UInt8(key.utf8.count)] + Array(key.utf8) + [0xcb]
        let start = bytes.indices.first { bytes[$0...].starts(with: pattern) }!
        return start + pattern.count
    }

    /// Log-normal latencies of about 5 ms, and phases that split them.
    private static func batch(_ names: Int, _ hits: Int, _ raw: Bool) -> Batch {
        var random = SystemRandomNumberGenerator()
        // Neither is a whole number, which would be written shorter.
        var batch = Batch(from: 0.123456, to: 0.234567)
        for number in 0..<names {
            var name = NameStatistics()
            for hit in 0..<hits {
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
                if raw {
                    batch.hits.append(
                        RawHit(
                            time: Double(hit) / 1000, user: hit % 500, iteration: hit, name: "GET /items/\(number)",
                            method: "GET", url: "http://127.0.0.1:8080/items/\(number)", status: 200,
                            latency: latency, bytes: 1024, requests: 1, error: nil))
                }
            }
            batch.statistics.names["GET /items/\(number)"] = name
        }
        batch.statistics.iterations.started = names * hits
        batch.statistics.users = 1
        return batch
    }
}
