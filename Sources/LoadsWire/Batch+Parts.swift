public import LoadsCore
import LoadsEventLoop

extension Batch {
    /// The batch in pieces that each fit into a message; merged in order they are the batch.
    ///
    /// Totals, errors and health go with the first piece; what has a name and hits are dealt out.
    ///
    /// - Parameter budget: About how many bytes a piece may take; below ``WireLimits/messageBytes`` with room to spare.
    public func parts(budget: Int = 1 << 20) -> [Batch] {
        var parts: [Batch] = []
        var part = Batch(statistics: statistics, from: from, to: to)
        part.statistics.names = [:]
        part.statistics.scenarios = [:]
        part.statistics.steps = [:]
        part.statistics.checks = [:]
        part.statistics.metrics = [:]
        part.statistics.errors = [:]
        part.statistics.failures = [:]
        part.statistics.warmUp = nil
        var used = statistics.health.lag.holders.keys.reduce(4096) { $0 + $1.wireSize + 64 }

        func make(room needed: Int) {
            if used + needed > budget {
                parts.append(part)
                part = Batch(from: from, to: to)
                part.statistics.users = statistics.users
                used = 4096
            }
            used += needed
        }

        for (kind, group) in statistics.errors {
            make(room: kind.wireSize + group.sample.wireSize + 64)
            part.statistics.errors[kind] = group
        }
        for (place, group) in statistics.failures {
            make(room: place.wireSize + group.sample.wireSize + 64)
            part.statistics.failures[place] = group
        }
        for (name, group) in statistics.names {
            make(room: name.wireSize + group.wireSize)
            part.statistics.names[name] = group
        }
        for (name, scenario) in statistics.scenarios {
            make(room: name.wireSize + 256 + scenario.service.wireSize + scenario.response.wireSize)
            part.statistics.scenarios[name] = scenario
        }
        for (name, step) in statistics.steps {
            make(room: name.wireSize + 128 + step.duration.wireSize)
            part.statistics.steps[name] = step
        }
        for (name, counts) in statistics.checks {
            make(room: name.wireSize + 64)
            part.statistics.checks[name] = counts
        }
        for (name, metric) in statistics.metrics {
            make(room: name.wireSize + 256 + metric.unit.wireSize + metric.trend.wireSize)
            part.statistics.metrics[name] = metric
        }
        // The table of strings is per piece: count a string each time it differs from the hit before.
        var last: RawHit?
        for hit in hits {
            make(
                room: 64 + (last?.url == hit.url ? 0 : hit.url.wireSize)
                    + (last?.name == hit.name ? 0 : hit.name.wireSize)
                    + (last?.method == hit.method ? 0 : hit.method.wireSize)
                    + (last?.error == hit.error ? 0 : hit.error?.wireSize ?? 0))
            part.hits.append(hit)
            last = hit
        }
        parts.append(part)
        for piece in statistics.warmUp.map({ Batch(statistics: $0).parts(budget: budget) }) ?? [] {
            var part = Batch(from: from, to: to)
            part.statistics.users = statistics.users
            part.statistics.warmUp = piece.statistics
            parts.append(part)
        }
        return parts
    }
}

extension String {
    fileprivate var wireSize: Int { min(utf8.count, WireLimits.stringBytes) + 5 }
}

extension NameStatistics {
    fileprivate var wireSize: Int {
        phases.reduce(512 + latency.wireSize) { $0 + $1.wireSize } + status.count * 8
    }
}

extension Histogram {
    fileprivate var wireSize: Int {
        var buckets = 0
        forEachBucket { _, _ in buckets += 1 }
        return buckets * 8
    }
}
