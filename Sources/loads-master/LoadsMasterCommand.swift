import ArgumentParser
import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsService
import LoadsStore
import LoadsTransport
import LoadsZeroMQ
import Logging

/// The command `loads-master`: drives agents, merges what they measure, keeps it, publishes it.
@main struct LoadsMasterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loads-master",
        abstract: "Drives agents through load tests, and merges, keeps and publishes what they measure.",
        discussion: """
            Everything listens on this machine only unless told otherwise; beyond it, keys are needed ('loads keys'). \
            With --data a master that was killed goes on where it was.
            """,
        version: "loads-master \(Release.version)")

    @Option(help: "Where agents and clients speak with the master.")
    var control = "tcp://127.0.0.1:7780"

    @Option(help: "Where agents deliver what they measure.")
    var results = "tcp://127.0.0.1:7781"

    @Option(help: "Where everything is published, merged, while it happens.")
    var stream = "tcp://127.0.0.1:7782"

    @Option(
        help: ArgumentHelp(
            "Where runs and uploaded files are kept: they then survive the end of the master.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The folder with this master's key and those of its peers.", valueName: "dir"))
    var keys: String?

    @Option(
        help: ArgumentHelp(
            "The host of the other two channels, if it is not the one that is dialled.", valueName: "host"))
    var advertise: String?

    @Option(
        help: ArgumentHelp("After which a silent agent is lost: 2s or more.", valueName: "time"),
        transform: { text in
            guard let time = try? DurationText.parse(text), (.seconds(2)...(.seconds(86_400))).contains(time) else {
                throw ValidationError("not a time from 2s to 24h (try 60s)")
            }
            return time
        })
    var lostAfter: Duration = .seconds(60)

    @Option(
        help: ArgumentHelp(
            "Ended runs that are kept, the last ones: 16 or more (default: all with --data, else 100).",
            valueName: "number"))
    var keepRuns: Int?

    func validate() throws {
        if let keepRuns, !(16...1_000_000).contains(keepRuns) {
            throw ValidationError("--keep-runs \(keepRuns): must be from 16 to 1000000")
        }
    }

    @OptionGroup(title: "Log") var log: LogOptions

    func run() async throws {
        let logger = log.logger("loads-master")
        do {
            try await serve(logger)
        } catch {
            logger.critical("\(error)")
            throw ExitCode((Self.isUsage(error) ? ExitStatus.usage : .fault).rawValue)
        }
    }

    private func serve(_ logger: Logger) async throws {
        // A peer that goes away while something is written to it is an error code, not a signal.
        signal(SIGPIPE, SIG_IGN)
        let masterKeys = try keys.map { try MasterKeys(directory: $0) }
        let loop = EventLoop(name: "loads-master")
        let transport = try ZeroMQMaster(control: control, results: results, stream: stream, keys: masterKeys, on: loop)
        var settings = MasterSettings()
        settings.advertise = advertise
        settings.loseAgents(after: lostAfter)
        settings.log = { level, line in logger.log(level: Logger.Level(level), "\(line)") }
        let storage: any RunStorage
        // What is kept in memory alone must not grow for ever.
        settings.storedRuns = keepRuns ?? (data == nil ? 100 : nil)
        if let data {
            storage = try SQLiteStorage(directory: data, runs: settings.storedRuns)
            settings.fileDirectory = "\(data)/files"
        } else {
            storage = MemoryStorage(keepsSeconds: true, runs: settings.storedRuns)
            logger.notice("without --data nothing of this master outlives it")
        }
        let master = MasterServer(transport: transport, storage: storage, settings: settings)
        let addresses = try await master.open()
        logger.info("control \(addresses.control), results \(addresses.results), stream \(addresses.stream)")
        // For whoever started this process and waits for it.
        print("ready control=\(addresses.control) results=\(addresses.results) stream=\(addresses.stream)")
        fflush(nil)
        let fate = "runs that are not over go on with the next master\(data == nil ? " only with --data" : "")"
        let service = SignalledService {
            await master.untilClosed()
        } end: { signal in
            logger.info("\(signal): \(fate)")
            await master.close()
        }
        try await service.run(logger: logger)
        await loop.shutdown()
    }

    /// Whether somebody has to say something else; otherwise the system or the disk is to blame.
    private static func isUsage(_ error: any Error) -> Bool {
        switch error {
        case let error as TransportError: error.code == .address || error.code == .keys
        case let error as StorageError: error.code == .foreign || error.code == .locked
        default: false
        }
    }
}

extension Logger.Level {
    init(_ level: MasterSettings.LogLevel) {
        self =
            switch level {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
    }
}
