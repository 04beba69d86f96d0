import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// CURVE. Only asked of agents that take `--keys`.
    static let keys: [Check] = [
        Check("a run over CURVE, with a key that the master knows", chapter: "Channels", keys: .right) { stage in
            let large = content(of: 2 * FileChunk.limit, seed: 3)
            try await stage.order("files", ["large.bin", "large.bin"], files: [(path: "large.bin", content: large)])
            try await stage.start()
            let size = try await stage.note("files ")
            guard size == "\(2 * large.count)" else {
                throw Deviation(expected: "\(2 * large.count) bytes", came: size)
            }
            try await stage.finished(interrupted: false)
            _ = try await stage.sequence()
        },
        Check("with a key that the master does not know it is not heard", chapter: "Channels", keys: .wrong) { stage in
            try await stage.neverHeard()
        },
        Check("without a key it is not heard by a master that wants keys", chapter: "Channels", keys: .missing) {
            stage in
            try await stage.neverHeard()
        },
    ]
}

extension Stage {
    /// Nothing may come, and the agent must live: the key may be added to the master's at any time.
    fileprivate func neverHeard() async throws {
        try await pause(.seconds(3))
        guard await master.heard.isEmpty, await master.results.isEmpty else {
            throw Deviation(expected: "nothing", came: await master.summary)
        }
        guard agent.exitStatus == nil else {
            throw Deviation(expected: "an agent that tries on", came: "its end; \(agent.lastWords)")
        }
    }
}
