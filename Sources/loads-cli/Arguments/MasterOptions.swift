import ArgumentParser
import Foundation
import LoadsClient
import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsZeroMQ

/// How a command finds the master.
struct MasterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The master (default \(MasterAddress.standard)).", valueName: "address"))
    var master = MasterAddress.standard
    @Option(help: ArgumentHelp("The folder with this client's keys (`loads keys`).", valueName: "folder"))
    var keys: String?

    /// What a command has to say to find the same master: nothing, or ` --master …` and ` --keys …`.
    var words: String { MasterAddress.words(master, keys: keys) }

    /// Talks to the master for as long as the closure takes.
    func withClient<Result>(_ body: (MasterClient) async throws -> Result) async throws -> Result {
        if let problem = MasterAddress.problem(with: master) { throw UsageError(["--master \(master): \(problem)"]) }
        return try await MasterConnection.with(master, keys: keys, body)
    }
}

/// Who asks a master for something, as others are told.
enum Requester {
    /// `tarek@laptop`.
    static var name: String {
        let environment = ProcessInfo.processInfo.environment
        let user = environment["USER"] ?? environment["LOGNAME"] ?? "uid \(getuid())"
        return "\(user)@\(ProcessInfo.processInfo.hostName)"
    }
}

/// A conversation with a master, from hello to goodbye.
enum MasterConnection {
    /// - Throws: ``Refusal`` when there is none to be had, and for what the master refuses.
    static func with<Result>(
        _ address: String, keys: String?, _ body: (MasterClient) async throws -> Result
    ) async throws -> Result {
        let loop = EventLoop(name: "loads-client")
        do {
            let client = MasterClient(
                transport: try ZeroMQClient(
                    master: address,
                    keys: try keys.map { try PeerKeys(directory: $0, expected: [.client, .watcher]) }, on: loop),
                address: address)
            do {
                try await client.open(software: "loads \(VersionCommand.version)")
                let result = try await body(client)
                await client.close()
                await loop.shutdown()
                return result
            } catch {
                await client.close()
                throw error
            }
        } catch {
            await loop.shutdown()
            switch error {
            case let error as ClientError: throw Refusal(status(of: error), "\(error)")
            case let error as TransportError: throw Refusal(.usage, "\(error)")
            default: throw error
            }
        }
    }

    private static func status(of error: ClientError) -> ExitStatus {
        switch error.code {
        case .transport: .usage
        case .noAnswer, .file: .nothingToRun
        case .conversation, .away: .fault
        default: .nothingToRun
        }
    }
}
