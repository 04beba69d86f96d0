import ArgumentParser
import Glibc
import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsService
import LoadsTransport
import LoadsURLRunner
import LoadsZeroMQ
import Logging

/// The command `loads-agent`: carries out runs for a master.
@main struct LoadsAgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loads-agent",
        abstract: "Carries out runs for a master: starts their runners, and delivers what they measure.",
        discussion: """
            An agent executes what its master sends. Beyond this machine it therefore takes orders only with keys \
            ('loads keys'). It connects for ever; SIGTERM ends it gracefully, a second one at once.
            """,
        version: "loads-agent \(Release.version)")

    @Option(help: "The master's control channel.")
    var master = "tcp://127.0.0.1:7780"

    @Option(help: "The name that people see. (default: the machine's name)")
    var name: String?

    @Option(help: "The stable identity. (default: kept in --data, else drawn at each start)")
    var id: String?

    @Option(help: ArgumentHelp("What runs may ask for, as in 'loads run --label a=b'.", valueName: "a=b,…"))
    var labels: Labels = Labels()

    @Option(
        help: ArgumentHelp(
            "Where results that are not delivered, and shipped files, are kept: they then survive a kill of the agent.",
            valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The folder with this agent's key and the master's.", valueName: "dir"))
    var keys: String?

    @Option(help: "How long runners go on while there is no master.")
    var orphanTimeout: TimeLength = TimeLength(duration: .seconds(120))

    @Option(
        help: ArgumentHelp(
            "Results kept at most, without --data 64 MiB of them in memory; beyond it they are merged.",
            valueName: "MiB"))
    var spoolLimit = 1024

    @Option(
        help: ArgumentHelp(
            "Shipped files kept at most for later runs; those that were not used for the longest time go first.",
            valueName: "MiB"))
    var filesLimit = 4096

    @OptionGroup(title: "Log") var log: LogOptions

    /// The executable is the URL runner, too: an agent starts itself as it.
    static func main() async {
        guard CommandLine.arguments.dropFirst().first == URLRunner.argument else { return await main(nil) }
        do {
            let served = try await URLRunner.serve()
            Glibc.exit(served ? ExitStatus.passed.rawValue : ExitStatus.fault.rawValue)
        } catch {
            let text = "loads-agent: \(error)\n"
            write(2, text, text.utf8.count)
            Glibc.exit(ExitStatus.fault.rawValue)
        }
    }

    func validate() throws {
        if let id, !AgentIdentity.isValid(id) {
            throw ValidationError("--id \(id): 1 to 64 letters, digits, '-', '_' or '.', not beginning with a dot")
        }
        guard spoolLimit > 0 else { throw ValidationError("--spool-limit \(spoolLimit): at least 1 MiB") }
        guard (0...1 << 40).contains(filesLimit) else {
            throw ValidationError("--files-limit \(filesLimit): MiB, at least 0")
        }
    }

    func run() async throws {
        let logger = log.logger("loads-agent")
        do {
            try await serve(logger)
        } catch {
            logger.critical("\(error)")
            throw ExitCode((Self.isUsage(error) ? ExitStatus.usage : .fault).rawValue)
        }
    }

    private func serve(_ logger: Logger) async throws {
        let peerKeys = try keys.map { try PeerKeys(directory: $0, role: .agent) }
        let loop = EventLoop(name: "loads-agent")
        let transport = try ZeroMQAgent(master: master, keys: peerKeys, on: loop)
        let id = try AgentIdentity.load(given: id, data: data)
        var settings = AgentSettings(id: id, name: name ?? AgentIdentity.hostName)
        settings.labels = labels.pairs
        settings.software = "loads-agent \(Release.version)"
        settings.data = data
        settings.orphanTimeout = orphanTimeout.duration
        settings.spool.disk = spoolLimit << 20
        settings.spool.memory = min(settings.spool.memory, spoolLimit << 20)
        settings.filesLimit = filesLimit << 20
        settings.log = { level, line in logger.log(level: Logger.Level(level), "\(line)") }
        let master = master
        settings.welcomed = {
            // For whoever started this process and waits for it.
            print("ready agent=\(id) master=\(master)")
            fflush(nil)
        }
        let agent = try Agent(transport: transport, settings: settings)
        logger.info("agent \(id) looks for its master at \(master)")
        let service = SignalledService {
            try await agent.run()
        } end: { signal in
            await agent.stop(reason: "the agent got \(signal)")
        }
        try await service.run(logger: logger)
        await loop.shutdown()
        // The goodbye has to leave before the process does.
        await ZeroMQContext.shared.end()
    }

    /// Whether somebody has to say something else; otherwise the system or the disk is to blame.
    private static func isUsage(_ error: any Error) -> Bool {
        switch error {
        case let error as TransportError: error.code == .address || error.code == .keys
        case let error as AgentError: error.code == ExitStatus.usage.rawValue
        default: false
        }
    }
}

/// `a=b,c=d`.
struct Labels: ExpressibleByArgument, CustomStringConvertible {
    var pairs: [String: String] = [:]

    init() {}

    init?(argument: String) {
        for part in argument.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, !words[0].isEmpty else { return nil }
            pairs[String(words[0])] = String(words[1])
        }
    }

    var description: String { "none" }
}

/// `120s`, `2m`.
struct TimeLength: ExpressibleByArgument, CustomStringConvertible {
    var duration: Duration

    init(duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = try? DurationText.parse(argument), duration > .zero else { return nil }
        self.duration = duration
    }

    var description: String { DurationText.text(duration) }
}

extension Logger.Level {
    init(_ level: AgentLogLevel) {
        self =
            switch level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
    }
}
