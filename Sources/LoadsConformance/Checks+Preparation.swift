import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// From the order to `ready`: files, refusals.
    static let preparation: [Check] = [
        Check("files are fetched on credit, and given to the program", chapter: "Files") { stage in
            let large = content(of: 5 * FileChunk.limit + 11, seed: 1)
            try await stage.order(
                "files", ["data/large.bin", "data/empty"],
                files: [(path: "data/large.bin", content: large), (path: "data/empty", content: [])])
            try await stage.start()
            let size = try await stage.note("files ")
            guard size == "\(large.count)" else {
                throw Deviation(expected: "files of \(large.count) bytes in the run's directory", came: size)
            }
            try await stage.finished(interrupted: false)
            for entry in await stage.master.heard {
                if case .fetch(_, let offset, let bytes) = entry.message, bytes > 4 * FileChunk.limit {
                    throw Deviation(expected: "at most 1 MiB ahead", came: "\(bytes) bytes from \(offset) on")
                }
            }
        },
        Check("files that are there are not fetched again", chapter: "Files") { stage in
            try await stage.order("hits", ["1"])
            try await stage.start()
            try await stage.finished(interrupted: false)
            let place = await stage.place
            try await stage.order("hits", ["1"], run: "conformance-2")
            try await stage.start(run: "conformance-2")
            try await stage.finished(run: "conformance-2", interrupted: false)
            for entry in await stage.master.heard.dropFirst(place) {
                if case .fetch(let hash, _, _) = entry.message {
                    throw Deviation(expected: "no fetch: the file is known", came: "a fetch of \(hash)")
                }
            }
        },
        Check(
            "a damaged file is fetched once more, then the run is refused", chapter: "Files",
            rules: Rules(damages: true)
        ) { stage in
            try await stage.order("hits", ["1"])
            try await stage.refused(code: 70)
            let count = await stage.master.heard.filter {
                if case .fetch(_, 0, _) = $0.message { true } else { false }
            }.count
            guard count == 2 else { throw Deviation(expected: "two fetches from the start", came: "\(count)") }
        },
        Check("a program that is not there is refused with 69", chapter: "Starting and ending a run") { stage in
            try await stage.welcomed()
            await stage.send(
                RunnerLaunch(program: .path("no-such-program-of-loads"), dialect: .lines))
            try await stage.refused(code: 69)
        },
        Check("a runner that it does not bring along is refused with 69", chapter: "Starting and ending a run") {
            stage in
            try await stage.welcomed()
            await stage.send(RunnerLaunch(program: .builtIn("no-such-runner")))
            try await stage.refused(code: 69)
        },
        Check("a program for another machine is refused with 69", chapter: "Starting and ending a run") { stage in
            try await stage.welcomed()
            await stage.send(
                RunnerLaunch(
                    program: .path("true"), dialect: .lines,
                    platform: Platform(system: "linux", architecture: "pdp11", library: "glibc 2.0")))
            try await stage.refused(code: 69)
        },
        Check("a file whose path leads elsewhere is not written", chapter: "Files") { stage in
            try await stage.welcomed()
            await stage.master.serve(Script.bytes, as: Script.file.hash)
            let file = RunnerLaunch.File(
                path: "../../outside.sh", executable: true, bytes: Script.bytes.count, hash: Script.file.hash)
            await stage.send(RunnerLaunch(program: .path("true"), dialect: .lines, files: [file]))
            try await stage.hear("a refusal, or an error `malformed`") { message -> Bool? in
                switch message {
                case .status(_, .refused): true
                case .error(let fault): fault.code == "malformed" ? true : nil
                default: nil
                }
            }
        },
        Check("the same order again starts nothing twice", chapter: "Starting and ending a run") { stage in
            try await stage.order("obey")
            try await stage.ready()
            let place = await stage.place
            try await stage.order("obey")
            try await stage.hear("the status again", since: place) { message -> Bool? in
                if case .status(Stage.run, .ready) = message { true } else { nil }
            }
            try await stage.start()
            try await stage.note("process ")
            try await stage.order("obey")
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            try await stage.finished(interrupted: true)
            let processes = await stage.master.notes.filter { $0.hasPrefix("process ") }
            guard Set(processes).count == 1 else {
                throw Deviation(expected: "one process", came: "\(processes)")
            }
        },
    ]

    /// Bytes that are the same each time.
    static func content(of count: Int, seed: UInt32) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }
}

extension Rules {
    init(damages: Bool) {
        self.init()
        self.damages = damages
    }
}

extension Stage {
    /// Waits for a refusal; no result may come of it.
    func refused(code: Int) async throws {
        let state = try await hear("status refused") { message -> AgentRunState? in
            guard case .status(Stage.run, let state) = message else { return nil }
            if case .preparing = state { return nil }
            return state
        }
        guard case .refused(code, _) = state else {
            throw Deviation(expected: "refused with code \(code)", came: "\(state)")
        }
        try await pause(.milliseconds(300))
        guard await master.results.isEmpty else {
            throw Deviation(expected: "no result of a run that was refused", came: await master.summary)
        }
    }
}

extension ScriptedMaster {
    /// The notes that have come.
    var notes: [String] {
        results.compactMap { if case .note(let text)? = $0.report { text } else { nil } }
    }

    /// Everything that the batches of a run hold, each result once.
    func total(run: String = Stage.run) -> Batch {
        var total = Batch()
        var seen: Set<UInt64> = []
        for result in results where result.message.run == run && seen.insert(result.message.sequence).inserted {
            if case .batch(let batch)? = result.report { total.merge(batch) }
        }
        return total
    }
}
