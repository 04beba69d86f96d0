import BenchmarkBatches
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
            let batch = Batch.logNormal(names: names, hits: hits, raw: raw)
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
}
