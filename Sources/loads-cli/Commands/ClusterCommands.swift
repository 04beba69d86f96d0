import ArgumentParser
import Foundation
import LoadsClient
import LoadsCore
import LoadsWire

/// `loads stop RUN`: ends a run on agents.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop a run on a master's agents.")

    @Argument(help: "The run, as `loads status` names it.", transform: RunName.read) var run: String
    @Flag(help: "At once: running iterations are cancelled.") var abort = false
    @OptionGroup var options: MasterOptions

    func run() async throws {
        try await options.withClient { client in
            let state = try await client.snapshot(run: run).state
            try await client.stop(run: run, abort: abort, by: Requester.name)
            if state == .queued {
                Console().note("\(run): removed from the queue")
            } else {
                Console().note(
                    "\(run): \(abort ? "ending at once" : "stopping; running iterations get their grace")"
                        + " (`loads attach \(run)\(options.words)` shows the end)")
            }
        }
    }
}

/// `loads adjust RUN -c 200` or `--rate 800/s`: changes the load of a running run.
struct AdjustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adjust", abstract: "Change the users or the rate of a run, on all agents at one instant.")

    @Argument(help: "The run, as `loads status` names it.", transform: RunName.read) var run: String
    @Option(
        name: [.customShort("c"), .customLong("users")], parsing: .unconditional,
        help: ArgumentHelp("Users from then on.", valueName: "n"))
    var users: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Arrivals from then on, of a run with a rate: 800/s, 90/m.", valueName: "rate"))
    var rate: String?
    @OptionGroup var options: MasterOptions

    func run() async throws {
        var read = Readings()
        let count = read.count(users.map { Settings.Given(text: $0, label: "--users") }, upTo: Plan.userLimit)
        let newRate = read.rate(rate.map { Settings.Given(text: $0, label: "--rate") })
        if (users == nil) == (rate == nil) {
            read.complain("say either how many users (-c 200) or what rate (--rate 800/s)")
        }
        guard read.problems.isEmpty else { throw UsageError(read.problems) }
        try await options.withClient { client in
            if let newRate {
                try await client.adjust(run: run, rate: newRate)
            } else if let count {
                try await client.adjust(run: run, users: count)
            }
            let load = newRate?.text ?? Counted.text(count!, "user")
            Console().note("\(run): \(load) in about one and a half seconds")
        }
    }
}

/// `loads logs RUN`: what happened in a run.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what happened in a run on a master's agents.")

    @Argument(help: "The run, as `loads status` names it.", transform: RunName.read) var run: String
    @Flag(help: "Go on until the run ends.") var follow = false
    @OptionGroup var options: MasterOptions

    func run() async throws {
        let console = Console()
        try await options.withClient { client in
            try await Self.read(
                follow: follow, page: { try await client.log(run: run, from: $0) },
                pause: { try await Task.sleep(for: .milliseconds(500)) }
            ) { entry in
                let agent = entry.event.agent.map { " \($0)" } ?? ""
                console.write("\(Self.time(entry.at))  \(entry.event.kind)\(agent)  \(entry.event.text)\n")
            }
        }
    }

    /// Shows a log page by page, as the master answers: to its last entry, or to the run's end.
    ///
    /// - Parameters:
    ///   - page: The entries from a number on, as many as come at once; none when there are no more.
    ///   - pause: Waits until there may be more.
    static func read(
        follow: Bool, page: (Int) async throws -> [LogEntry], pause: () async throws -> Void,
        show: (LogEntry) -> Void
    ) async throws {
        var next = 1
        var isOver = false
        while true {
            let entries = try await page(next)
            for entry in entries {
                show(entry)
                next = entry.number + 1
                if ["ended", "refused"].contains(entry.event.kind) { isOver = true }
            }
            guard entries.isEmpty else { continue }
            if isOver || !follow { return }
            try await pause()
        }
    }

    private static func time(_ seconds: Double) -> String {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return formatter.string(from: Date(timeIntervalSince1970: seconds))
    }
}
