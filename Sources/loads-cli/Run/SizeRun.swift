import LoadsClient
import LoadsCore
import LoadsMaster
import LoadsReport
import LoadsWire
import Synchronization

/// Looks for the largest load under which the thresholds are kept: one run after the other, here or on a master's agents.
struct SizeRun {
    let request: SizeRequest
    let runner: Preparation.Runner
    let console: Console
    let outputs: Outputs
    let interrupts: Interrupts

    /// Carries the search out and reports it.
    ///
    /// - Returns: The exit code.
    /// - Throws: ``Refusal`` when a step cannot be run.
    func carryOut() async throws -> ExitStatus {
        if let place = request.run.remote {
            let remote = RemoteRun(
                run: request.run, place: place, runner: runner, console: console, outputs: outputs,
                interrupts: interrupts)
            let shipment = try await remote.shipment()
            return try await MasterConnection.with(place.master, keys: place.keys) { client in
                try await search(in: (place.placement.agents ?? 1)...request.largest) { load in
                    let step = request.step(load)
                    return try await RemoteRun(
                        run: step, place: place, runner: runner(for: step), console: console, outputs: outputs,
                        interrupts: interrupts
                    ).outcome(of: step, shipment, client)
                }
            }
        }
        let limit = DescriptorLimit.raise()
        var largest = request.largest
        if request.run.isURL, request.unit == .users {
            let room = DescriptorLimit.users(isPlain: request.run.isPlain, servers: request.run.servers, limit: limit)
            if room < largest {
                largest = max(1, room)
                console.note("no more than \(largest) users are tried: more have no file descriptors (`ulimit -n`)")
            }
        }
        return try await search(in: 1...largest) { load in
            let step = request.step(load)
            let run = LocalRun(
                run: step, runner: runner(for: step), console: console, outputs: Outputs.none, interrupts: interrupts)
            switch await run.outcome() {
            case .refused(let code, let message): throw Refusal(code: code, message: message)
            case .finished(let summary): return summary
            }
        }
    }

    /// The runner with the plan of a step: of a mix it knows the weights by other names.
    private func runner(for step: CheckedRun) -> Preparation.Runner {
        var runner = runner
        guard let weights = runner.plan?.weights else { return runner }
        runner.plan = step.plan
        runner.plan?.weights = weights
        return runner
    }

    private func search(
        in range: ClosedRange<Int>, _ step: (Int) async throws -> Summary
    ) async throws -> ExitStatus {
        var search = SizeSearch(
            start: request.first, range: range, precision: request.precision)
        var report = SizeReport(
            target: request.run.targetText, unit: request.unit, thresholds: request.run.thresholds, steps: [],
            result: SizeSearch.Result(found: nil, limit: .unclear, broken: nil))
        outputs.begin()
        while let next = search.next {
            let done = SizeStep(load: next.load, purpose: next.purpose, summary: try await step(next.load))
            console.clearBar()
            report.steps.append(done)
            console.progress(report.line(done))
            search.take(done.outcome, rate: done.rate)
            if done.summary.wasInterrupted || done.summary.crash != nil { search.stop() }
        }
        if let result = search.result { report.result = result }
        return write(report)
    }

    private func write(_ report: SizeReport) -> ExitStatus {
        var failed = false
        if let file = outputs[.json] {
            if let failure = file.write(report.json()) {
                failed = true
                console.note("--json \(file.path): \(failure)")
            }
            file.finish()
        }
        console.write(report.text(console.style(console.results)))
        if let last = report.steps.last, last.summary.wasInterrupted { return .interrupted }
        if failed { return .fault }
        if report.steps.last?.summary.crash != nil { return .crashed }
        let limit = report.result.limit
        if request.run.strict, limit != .target || !report.isJudged { return .invalid }
        // Not even the smallest load is borne: by the target, or for a reason that says nothing of it.
        if report.result.found == nil { return limit == .target ? .breached : .invalid }
        return limit == .unclear ? .invalid : .passed
    }
}
