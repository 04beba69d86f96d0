import LoadsCore
import LoadsWire

extension Checks {
    /// What happened in a second of the run is in the batches of that second, so that windows and series hold what their times
    /// say.
    static let seconds: [Check] = [
        Check("what happened in a second of the run is in the batches of that second", chapter: "Results") { stage in
            try await keepsSeconds(stage)
        },
        Check(
            "batches of different seconds of the run are not merged", chapter: "lease",
            rules: Rules(batchInterval: 2_500_000_000)
        ) { stage in
            try await keepsSeconds(stage)
        },
    ]

    private static func keepsSeconds(_ stage: Stage) async throws {
        try await stage.order("seconds")
        try await stage.start()
        try await stage.finished(interrupted: false)
        var told: [String: Int] = [:]
        for result in try await stage.sequence() {
            guard case .batch(let batch)? = result.report else { continue }
            let second = ((batch.from + batch.to) / 2).rounded(.down)
            guard batch.from <= batch.to, batch.from >= second, batch.to <= second + 1 else {
                throw Deviation(
                    expected: "batches none of which reaches over the end of a second",
                    came: "one from \(batch.from) to \(batch.to) s")
            }
            for (name, hits) in batch.statistics.names where name != "now" {
                told[name, default: 0] += hits.count
                guard name == "second \(Int(second))" else {
                    throw Deviation(
                        expected: "a hit named \"\(name)\", which ended in that second, in a batch of it",
                        came: "it in one from \(batch.from) to \(batch.to) s")
                }
            }
        }
        let expected = ["second 0": 2, "second 1": 2, "second 2": 2]
        guard told == expected else { throw Deviation(expected: "\(expected)", came: "\(told)") }
        let now = await stage.master.total().statistics.names["now"]?.count ?? 0
        guard now == 33 else { throw Deviation(expected: "33 hits named \"now\"", came: "\(now)") }
    }
}
