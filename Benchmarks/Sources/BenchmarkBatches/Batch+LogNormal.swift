import Foundation
public import LoadsCore

extension Batch {
    /// What a runner would report: log-normal latencies of about 5 ms, and phases that split them, over warm connections.
    ///
    /// - Parameters:
    ///   - hits: Of each name.
    ///   - raw: Whether each hit is in the batch, too.
    public static func logNormal(names: Int, hits: Int, raw: Bool = false) -> Batch {
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
