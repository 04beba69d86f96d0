import Foundation
import LoadsAgent
import LoadsClient
import LoadsCore
import LoadsPackage
import LoadsReport
import LoadsWire

/// A run on a master's agents: what is to be run is sent there, and what happens is shown here.
struct RemoteRun {
    let run: CheckedRun
    let place: RemotePlace
    let runner: Preparation.Runner
    let console: Console
    let outputs: Outputs
    let interrupts: Interrupts

    func carryOut() async throws -> ExitStatus {
        let id = RunID.make()
        let shipment = try await shipment()
        let submission = submission(of: run, id, shipment)
        return try await MasterConnection.with(place.master, keys: place.keys) { client in
            try await submit(submission, shipment, client)
            if place.detach {
                outputs.discard()
                // The name alone, so that a script can take it.
                console.write("\(id)\n")
                for hint in hints(id) { console.note("    \(hint)") }
                return .passed
            }
            let attachment = Attachment(
                run: id, target: run.targetText, plan: run.plan, isWhole: true, console: console, outputs: outputs,
                interrupts: interrupts, strict: run.strict, words: MasterAddress.words(place.master, keys: place.keys))
            return try await attachment.follow(client)
        }
    }

    /// Carries out a run like this one, and waits for its end.
    ///
    /// - Throws: ``Refusal`` when it cannot be run.
    func outcome(of run: CheckedRun, _ shipment: Shipment, _ client: MasterClient) async throws -> Summary {
        let id = RunID.make()
        try await submit(submission(of: run, id, shipment), shipment, client)
        let display = RunDisplay(console: console, plan: run.plan, report: nil)
        interrupts.handle { [console] count in
            if count > 2 {
                console.clearBar()
                exit(ExitStatus.interrupted.rawValue)
            }
            display.stopping()
            Task {
                do {
                    try await client.stop(run: id, abort: count > 1)
                } catch {
                    console.note("the run goes on: \(error)")
                }
            }
        }
        let followed = try await client.follow(run: id, observer: display)
        if case .refused(let code, let message) = followed.snapshot.state {
            throw Refusal(code: code, message: message)
        }
        return Summary(followed.snapshot)
    }

    private func submission(of run: CheckedRun, _ id: String, _ shipment: Shipment) -> RunSubmission {
        var launch = runner.launch
        if !shipment.files.isEmpty {
            launch.files = shipment.files
            launch.directory = nil
        }
        // A program of the user's is on the agents already, or among the files to be included.
        if launch.dialect == .messages, case .path(let path) = launch.program, path.hasPrefix("/") {
            launch.program = .path("./" + URL(filePath: path).lastPathComponent)
            launch.platform = Platform.current
            // The dynamic loader's own word for the program's folder: libraries of libraries lie there, too.
            launch.environment["LD_LIBRARY_PATH"] = "$ORIGIN"
        }
        return RunSubmission(
            run: id, target: run.targetText, isURLTarget: run.isURL, launch: launch,
            order: runner.order(runner.plan ?? run.plan),
            placement: place.placement, keepHits: place.keepHits, thresholds: run.thresholds)
    }

    private func submit(_ submission: RunSubmission, _ shipment: Shipment, _ client: MasterClient) async throws {
        try await client.submit(submission, files: shipment.paths) { [console] sent, total in
            let text = "sending what is to be run: \(sent >> 20) of \(total >> 20) MiB"
            if console.hasBar { console.bar { $0.fitted("  " + text) } }
        }
        console.clearBar()
        console.progress("\(submission.run) is submitted to \(place.master)")
    }

    /// What the agents need.
    func shipment() async throws -> Shipment {
        var shipment = Shipment()
        do throws(PackageError) {
            // A command is looked up on the agents; what was built here is brought there.
            if runner.launch.dialect == .messages, case .path(let path) = runner.launch.program, path.hasPrefix("/") {
                console.progress("collecting what the agents need")
                try await shipment.add(program: path)
            }
            let here = FileManager.default.currentDirectoryPath
            for path in place.include {
                // Tests look for their files from their package's folder, here as there.
                let package = URL(filePath: run.package, relativeTo: URL(filePath: here, directoryHint: .isDirectory))
                    .standardizedFileURL.path
                let isOfPackage =
                    runner.launch.dialect == .messages
                    && URL(filePath: path).standardizedFileURL.path.hasPrefix(package + "/")
                let name = try shipment.add(including: path, base: here, root: isOfPackage ? package : here)
                if let name {
                    console.progress("--include \(path): it lies outside of \(here): the agents have it as \(name)")
                }
            }
        } catch {
            throw Refusal(code: error.exitCode, message: error.message)
        }
        return shipment
    }

    private func hints(_ id: String) -> [String] {
        let words = MasterAddress.words(place.master, keys: place.keys)
        return ["loads attach \(id)\(words)", "loads stop \(id)\(words)", "loads status\(words)"]
    }
}
