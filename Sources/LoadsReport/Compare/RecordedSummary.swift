import LoadsCore

/// A summary as it was written with `--json`, as far as it takes to compare it.
public struct RecordedSummary: Sendable, Decodable {
    /// The form that this reads: that of ``LoadsCore/Summary/jsonSchema``.
    public let schema: Int
    let run: Run
    let plan: [String: JSONValue]
    let hits: Hits
    let latency: Distribution?
    let iterations: IterationTimes
    let names: [Name]
    /// Nil in summaries of versions that knew none.
    let steps: [Step]?
    /// Likewise.
    let verdict: Judgement?

    /// Seconds of the run that its figures cover, as ``LoadsCore/Summary/measuredSeconds``.
    var measuredSeconds: Double {
        guard case .number(let warmUp) = plan["warm_up_s"] else { return run.duration }
        return max(0, run.duration - warmUp)
    }

    struct Run: Sendable, Decodable {
        let id: String
        let target: String
        let started: String
        let duration: Double
        let interrupted: Bool
        private enum CodingKeys: String, CodingKey {
            case id, target, started, interrupted
            case duration = "duration_s"
        }
    }

    struct Judgement: Sendable, Decodable {
        let kind: String
        let reasons: [Reason]

        struct Reason: Sendable, Decodable {
            let text: String
        }

        /// Why its figures are not just the target's; nil when they are.
        var doubt: String? {
            guard kind != Verdict.Kind.valid.rawValue else { return nil }
            return ([kind] + reasons.prefix(1).map(\.text)).joined(separator: ": ")
        }
    }

    struct Hits: Sendable, Decodable {
        let count: Int
        let failed: Int
    }

    struct IterationTimes: Sendable, Decodable {
        let service: Distribution?
        let response: Distribution?
    }

    struct Name: Sendable, Decodable {
        let name: String
        let count: Int
        let failed: Int
        let latency: Distribution?
        private enum CodingKeys: String, CodingKey {
            case name, count, failed
            case latency = "latency_ms"
        }
    }

    struct Step: Sendable, Decodable {
        let name: String
        let count: Int
        let failed: Int
        let duration: Distribution?
        private enum CodingKeys: String, CodingKey {
            case name, count, failed
            case duration = "duration_ms"
        }
    }

    /// A distribution with all its values.
    struct Distribution: Sendable, Decodable {
        let histogram: Histogram

        private enum CodingKeys: String, CodingKey { case min, max, histogram }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func nanoseconds(_ key: CodingKeys) throws -> Int64 {
                Int64((try container.decode(Double.self, forKey: key) * 1e6).rounded())
            }
            let text = try container.decode(String.self, forKey: .histogram)
            guard
                let histogram = Histogram(hdrText: text, min: try nanoseconds(.min), max: try nanoseconds(.max))
                    ?? Histogram(hdrText: text)
            else {
                throw DecodingError.dataCorruptedError(
                    forKey: .histogram, in: container, debugDescription: "not a histogram in HdrHistogram's encoding")
            }
            self.histogram = histogram
        }
    }

    private enum CodingKeys: String, CodingKey {
        case schema, run, plan, hits, names, steps, verdict
        case latency = "latency_ms"
        case iterations = "iteration_ms"
    }
}
