import ArgumentParser
import Foundation
import LoadsCore
import LoadsWire

/// `loads TARGET …`: the main thing.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run tests, requests to URLs, or a program, as a load. The default command.",
        discussion: """
            loads BlogTests.TestWebSite/something -c 10 -n 10
            loads http://127.0.0.1:8080/ -c 50 -d 10s
            loads -c 10 -n 10 -- node checkout.mjs

            Exit codes: 0 all passed, 1 failures, 3 a threshold breached or worse than the baseline, 4 not valid under \
            --strict, 64 wrong usage, 65 the package does not build, 69 no such test, nothing to run or nothing measured, \
            70 a fault of loads, 71 the run broke off (a crash, lost agents), 130 interrupted.
            """)

    @OptionGroup var options: RunOptions

    func run() async throws {
        let run: CheckedRun
        do throws(UsageError) { run = try options.request() } catch {
            // Such as `loads adjsut r-1 --rate 20/s`: the options are those of the command.
            guard let meant = Misspelling.command(meantBy: options.targets) else { throw error }
            throw UsageError(error.problems + ["(did you mean the command `loads \(meant)`?)"])
        }
        let console = Console(quiet: run.quiet, color: run.color, results: run.outputs.useStandardOutput ? 2 : 1)
        let status: ExitStatus
        do {
            status = try await RunCommand.carryOut(run, console)
        } catch var refusal as Refusal {
            // A command that is misspelt is taken for the name of a test.
            if let meant = Misspelling.command(meantBy: options.targets) {
                refusal.message += "\n(did you mean the command `loads \(meant)`?)"
            }
            throw refusal
        }
        if status != .passed { Foundation.exit(status.rawValue) }
    }

    /// Everything between a judged command line and its exit code.
    static func carryOut(_ run: CheckedRun, _ console: Console) async throws -> ExitStatus {
        var run = run
        if run.drawsSeed { run.plan.seed = .random(in: 1...Plan.seedLimit) }
        let outputs = try Outputs(run.outputs)
        let interrupts = Interrupts { _ in
            console.note("interrupted before the start: nothing was run")
            outputs.discard()
            Foundation.exit(ExitStatus.interrupted.rawValue)
        }
        do {
            if let place = run.remote {
                if let agents = place.placement.agents, agents > max(1, run.plan.peakUsers) {
                    throw Refusal(
                        .usage,
                        "--agents \(agents): more agents than the run's \(Counted.text(run.plan.peakUsers, "user")) "
                            + "(every agent gets one at least)")
                }
                let runner = try await Preparation(console: console).runner(for: run)
                return try await RemoteRun(
                    run: run, place: place, runner: runner, console: console, outputs: outputs, interrupts: interrupts
                ).carryOut()
            }
            let limit = DescriptorLimit.raise()
            let option =
                switch run.plan.model {
                case .cycles: "-c"
                case .users: "--stages: users"
                case .arrivals: "--max-users"
                case .mix: "scenarios: users"
                }
            if let problem = DescriptorLimit.problem(
                users: run.plan.peakUsers, option: option, isPlain: run.isPlain, servers: run.servers, limit: limit)
            {
                // A URL's users each need a connection; tests may make none.
                if run.isURL { throw Refusal(.usage, problem) }
                console.note("warning: \(problem)")
            }
            let runner = try await Preparation(console: console).runner(for: run)
            return try await LocalRun(
                run: run, runner: runner, console: console, outputs: outputs, interrupts: interrupts
            ).carryOut()
        } catch {
            outputs.discard()
            throw error
        }
    }
}
