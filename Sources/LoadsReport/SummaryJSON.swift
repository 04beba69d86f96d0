import Glibc
public import LoadsCore
internal import LoadsEventLoop

extension Summary {
    /// The version of the summary's JSON form; it changes when a field changes its meaning or goes.
    public static let jsonSchema = 1

    /// The summary as one JSON object, as `Docs/Summary.md` and `Docs/summary.schema.json` describe it.
    public func json() -> [UInt8] {
        var json = JSONWriter(indent: 2)
        json.object { json in
            json.key("schema")
            json.value(Summary.jsonSchema)
            writeRun(&json)
            json.object("plan") { json in
                plan.write(&json)
                if !changes.isEmpty {
                    json.array("adjusted") { json in for change in changes { json.object { change.write(&$0) } } }
                }
            }
            writeCounts(&json)
            json.array("names") { json in
                for (name, statistics) in statistics.namesByCount { json.object { statistics.write(name, &$0) } }
            }
            writeGrouped(&json)
            if let warmUp = statistics.warmUp { json.object("warm_up") { warmUp.writeApart(&$0) } }
            writeProblems(&json)
            json.array("thresholds") { json in for result in thresholds { json.object { result.write(&$0) } } }
            json.object("verdict") { verdict.write(&$0) }
            json.object("generator") { statistics.health.write(&$0) }
            if !agents.isEmpty {
                json.array("agents") { json in for agent in agents { json.object { agent.write(&$0) } } }
            }
            if let tearDownFailure {
                json.key("tear_down_failure")
                json.value(tearDownFailure)
            }
            if let crash { json.object("crash") { crash.write(&$0) } }
        }
        json.newline()
        return json.bytes
    }

    private func writeRun(_ json: inout JSONWriter) {
        json.object("run") { json in
            json.key("id")
            json.value(id)
            json.key("target")
            json.value(target)
            json.key("started")
            json.value(Timestamp.utc(startedAt))
            json.key("duration_s")
            json.value(duration, decimals: 6)
            json.key("interrupted")
            json.value(interrupted)
            if let stopped {
                json.key("stopped")
                json.value(stopped)
            }
        }
    }

    private func writeCounts(_ json: inout JSONWriter) {
        let hits = statistics.hits
        statistics.writeIterations(&json, inPlan: arrivalsOfPlan)
        json.object("hits") { json in
            json.key("count")
            json.value(hits.count)
            json.key("failed")
            json.value(hits.failed)
            json.key("cancelled")
            json.value(hits.cancelled)
            json.key("requests")
            json.value(hits.requests)
            json.key("rate_per_s")
            json.value(rate(of: hits.count), decimals: 3)
        }
        json.object("bytes") { json in
            json.key("sent")
            json.value(hits.bytesSent)
            json.key("received")
            json.value(hits.bytesReceived)
        }
        json.key("latency_ms")
        hits.latency.write(&json, full: true)
    }

    private func writeProblems(_ json: inout JSONWriter) {
        json.array("errors") { json in
            for (kind, occurrences) in statistics.errors.byFrequency {
                json.object { occurrences.write("kind", kind, &$0) }
            }
        }
        json.array("failures") { json in
            for (place, occurrences) in statistics.failures.byFrequency {
                json.object { occurrences.write("at", place, &$0) }
            }
        }
    }
}

extension UserChange {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("at_s")
        // As exact as a hit's `t`: what came before and what after can be told apart.
        json.value(at, decimals: 6)
        if let rate {
            json.key("rate")
            json.value(rate.text)
        } else {
            json.key("users")
            json.value(users)
        }
    }
}

extension IterationCounts {
    func write(_ json: inout JSONWriter) {
        json.key("started")
        json.value(started)
        json.key("ok")
        json.value(ok)
        json.key("failed")
        json.value(failed)
        json.key("skipped")
        json.value(skipped)
        json.key("interrupted")
        json.value(interrupted)
        json.key("cut_off")
        json.value(cutOff)
    }
}

extension ArrivalCounts {
    func write(_ json: inout JSONWriter, inPlan: Int? = nil) {
        json.key("planned")
        json.value(planned)
        if let inPlan {
            json.key("in_plan")
            json.value(inPlan)
        }
        json.key("started")
        json.value(started)
        json.key("dropped")
        json.value(dropped)
        json.key("cancelled")
        json.value(cancelled)
    }
}

extension Statistics {
    fileprivate func writeIterations(_ json: inout JSONWriter, inPlan: Int? = nil) {
        json.object("iterations") { iterations.write(&$0) }
        json.object("iteration_ms") { json in
            json.key("response")
            response.write(&json, full: true)
            json.key("service")
            service.write(&json, full: true)
            if !unscheduled.isEmpty {
                json.key("unscheduled")
                unscheduled.write(&json, full: true)
            }
        }
        guard arrivals != ArrivalCounts() else { return }
        json.object("arrivals") { arrivals.write(&$0, inPlan: inPlan) }
        json.key("lag_ms")
        scheduleLag.write(&json)
        json.key("user_wait_ms")
        userWait.write(&json)
    }

    /// A warm-up's.
    fileprivate func writeApart(_ json: inout JSONWriter) {
        writeIterations(&json)
        let hits = hits
        json.object("hits") { json in
            json.key("count")
            json.value(hits.count)
            json.key("failed")
            json.value(hits.failed)
        }
        json.key("latency_ms")
        hits.latency.write(&json)
    }
}

extension NameStatistics {
    fileprivate func write(_ name: String, _ json: inout JSONWriter) {
        json.key("name")
        json.value(name)
        json.key("count")
        json.value(count)
        json.key("failed")
        json.value(failed)
        json.key("latency_ms")
        latency.write(&json, full: true)
        json.object("phases_ms") { json in
            for (index, phase) in Phases.names.enumerated() {
                json.key(escaping: phase)
                phases[index].write(&json)
            }
        }
        json.object("status") { json in
            for code in status.keys.sorted() {
                json.key(escaping: String(code))
                json.value(status[code])
            }
        }
    }
}

extension Occurrences {
    fileprivate func write(_ label: StaticString, _ key: String, _ json: inout JSONWriter) {
        json.key(label)
        json.value(key)
        json.key("message")
        json.value(sample)
        json.key("count")
        json.value(count)
        json.key("first_s")
        json.value(first, decimals: 6)
        json.key("last_s")
        json.value(last, decimals: 6)
    }
}

extension GeneratorHealth {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("cpu_s")
        json.value(cpuSeconds, decimals: 6)
        json.key("max_loop_lag_ms")
        json.milliseconds(lag.worst)
        json.key("longest_job_ms")
        json.milliseconds(lag.longestJob)
        json.key("long_jobs")
        json.value(lag.longJobs)
        json.key("held_s")
        json.value(Double(lag.held) / 1e9, decimals: 6)
        json.array("blocked_by") { json in
            for (name, hold) in lag.holdersByTime {
                json.object { json in
                    json.key("name")
                    json.value(name)
                    json.key("count")
                    json.value(hold.count)
                    json.key("longest_ms")
                    json.milliseconds(hold.longest)
                }
            }
        }
        json.key("peak_rss_bytes")
        json.value(peakResidentBytes)
        json.key("dropped_hits")
        json.value(droppedHits)
        json.key("orphan_failures")
        json.value(orphanFailures)
        json.key("overflowed_names")
        json.value(overflowedNames)
    }
}

extension RunnerCrash {
    fileprivate func write(_ json: inout JSONWriter) {
        json.key("reason")
        json.value(reason)
        json.key("output")
        json.value(output)
        json.object("unreported") { json in
            json.key("started")
            json.value(unreportedStarted)
            json.key("ended")
            json.value(unreportedEnded)
            json.key("hits")
            json.value(unreportedHits)
        }
    }
}

extension Histogram {
    /// The percentiles that the JSON form lists.
    static let jsonPercentiles: [(key: StaticString, fraction: Double)] = [
        ("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999),
    ]

    /// The distribution in milliseconds; null when nothing was recorded.
    ///
    /// - Parameter full: Whether with all its values, so that it can be compared with another run's.
    func write(_ json: inout JSONWriter, full: Bool = false) {
        if isEmpty {
            json.value(Int?.none)
            return
        }
        json.object { json in
            json.key("min")
            json.milliseconds(min)
            json.key("mean")
            json.value(mean / 1e6, decimals: 6)
            for (key, fraction) in Self.jsonPercentiles {
                json.key(key)
                json.milliseconds(percentile(fraction))
            }
            json.key("max")
            json.milliseconds(max)
            guard full else { return }
            json.key("histogram")
            json.value(hdrText)
        }
    }
}
