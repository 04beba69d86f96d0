import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// Stops, crashes, and what is left behind.
    static let ending: [Check] = [
        Check("a stop ends gracefully", chapter: "Starting and ending a run") { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.note("process ")
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "enough"))
            let told = try await stage.note("told ")
            guard told.contains("\"stop\"") else { throw Deviation(expected: "a stop", came: told) }
            try await stage.finished(interrupted: true)
        },
        Check("an abort ends at once", chapter: "Starting and ending a run") { stage in
            try await stage.order("obey")
            try await stage.start()
            try await stage.note("process ")
            await stage.master.say(.stop(run: Stage.run, abort: true, reason: "enough"))
            let told = try await stage.note("told ")
            guard told.contains("\"abort\"") else { throw Deviation(expected: "an abort", came: told) }
            try await stage.finished(interrupted: true)
        },
        Check("a program that ignores its abort is killed", chapter: "Starting and ending a run") { stage in
            try await stage.order("deaf")
            try await stage.start()
            try await stage.note("process ")
            await stage.master.say(.stop(run: Stage.run, abort: true, reason: "enough"))
            let end = try await stage.end(within: .seconds(60))
            guard case .crashed = end else { throw Deviation(expected: "ended: crashed", came: "\(end)") }
        },
        Check("a stop before the start ends the run", chapter: "Starting and ending a run") { stage in
            try await stage.order("obey")
            try await stage.ready()
            await stage.master.say(.stop(run: Stage.run, abort: false, reason: "not wanted"))
            let end = try await stage.end()
            guard case .finished(true, 0) = end else {
                throw Deviation(expected: "ended: finished, interrupted, 0 s", came: "\(end)")
            }
        },
        Check("a stop of a run that is not known is passed over", chapter: "Starting and ending a run") { stage in
            try await stage.welcomed()
            await stage.master.say(.stop(run: "conformance-other", abort: false, reason: "unknown"))
            try await stage.stillBeats()
        },
        Check("a crash is told with its reason and its last words", chapter: "Results") { stage in
            try await stage.order("crash")
            try await stage.start()
            let end = try await stage.end()
            guard case .crashed(let crash) = end, crash.reason.contains("9"),
                crash.output.contains("these are its last words")
            else { throw Deviation(expected: "crashed by signal 9, with its last words", came: "\(end)") }
            let hits = await stage.master.total().statistics.hitCount
            guard hits == 1 else { throw Deviation(expected: "the hit before the crash", came: "\(hits) hits") }
        },
        Check("what is no result is passed over, and told", chapter: "Results") { stage in
            try await stage.order("nonsense")
            try await stage.start()
            try await stage.finished(interrupted: false)
            let hits = await stage.master.total().statistics.hitCount
            let notes = await stage.master.notes.filter { $0.contains("this is no result") }
            guard hits == 1, !notes.isEmpty else {
                throw Deviation(
                    expected: "the hit after it, and a note that quotes it",
                    came: "\(hits) hits, notes: \(await stage.master.notes)")
            }
        },
        Check("what a program leaves behind is killed", chapter: "Starting and ending a run") { stage in
            try await stage.order("child")
            try await stage.start()
            let text = try await stage.note("child ")
            try await stage.finished(interrupted: false)
            guard let child = pid_t(text), child > 1 else {
                throw Deviation(expected: "a process's number", came: text)
            }
            // It may take its parent a moment to reap it.
            for _ in 0..<200 where isAlive(child) { try await stage.pause(.milliseconds(10)) }
            guard !isAlive(child) else {
                throw Deviation(expected: "nothing left of the program's process group", came: "process \(child) lives")
            }
        },
        Check("a run that the master has no use for is forgotten", chapter: "Exactly once") { stage in
            try await stage.order("obey")
            try await stage.start()
            let process = try await stage.note("process ")
            await stage.master.say(.error(WireFault(code: "unknown-run", message: "not mine", run: Stage.run)))
            guard let number = pid_t(process) else { return }
            for _ in 0..<1000 where isAlive(number) { try await stage.pause(.milliseconds(10)) }
            guard !isAlive(number) else { throw Deviation(expected: "the program's end", came: "it runs on") }
            try await stage.stillBeats()
        },
    ]

    /// Whether a process runs: one that has ended and was not reaped does not.
    private static func isAlive(_ process: pid_t) -> Bool {
        guard kill(process, 0) == 0 else { return false }
        let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = max(0, read(descriptor, &bytes, bytes.count))
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return !text.contains(") Z ")
    }
}

extension Stage {
    /// Whatever was said before: the agent lives, is welcome, and listens: it echoes what it is told now.
    func stillBeats() async throws {
        let now = Instant.now.nanoseconds
        let place = await place
        try await hear("a beat that echoes a later lease", count: 3) { message -> Bool? in
            if case .beat(let beat) = message, let echo = beat.echo, echo.masterSent > now { true } else { nil }
        }
        let hellos = await master.heard.dropFirst(place).filter { if case .hello = $0.message { true } else { false } }
        guard hellos.isEmpty else { throw Deviation(expected: "no other effect", came: "another hello") }
    }
}
