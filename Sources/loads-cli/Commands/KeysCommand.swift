import ArgumentParser
import LoadsCore
import LoadsTransport
import LoadsZeroMQ

/// `loads keys …`: makes the keys that a master, its agents and its clients know each other by.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make the keys that masters, agents and clients know each other by.",
        discussion: """
            Beyond one machine everything is encrypted, and nobody takes part without a key:

            loads keys master --dir KEYS          on the master's machine, once
            loads keys agent NAME --dir KEYS      for each agent; copy KEYS/NAME to its machine
            loads keys client NAME --dir KEYS     for whoever starts runs
            loads keys watcher NAME --dir KEYS    for whoever only watches
            """,
        subcommands: [Master.self, Agent.self, Client.self, Watcher.self])

    /// Where the master's keys are.
    struct Folder: ParsableArguments {
        @Option(help: ArgumentHelp("The master's folder of keys.", valueName: "folder")) var dir: String
    }

    /// A new peer.
    struct Peer: ParsableArguments {
        @Argument(help: "Its name: letters, digits, -, _ and dots.") var name: String
        @Option(
            help: ArgumentHelp(
                "The folder to make, to be copied to its machine (default: DIR/NAME).", valueName: "folder"))
        var out: String?
        @OptionGroup var folder: Folder

        func add(_ role: PeerRole) throws {
            let made = try KeysCommand.refusing { () throws(TransportError) in
                try KeyFolders.addPeer(name, role: role, to: folder.dir, output: out)
            }
            let options = role == .agent ? "loads-agent --master ADDRESS --keys" : "loads … --master ADDRESS --keys"
            Console().write(
                "\(made): the keys of the \(role.rawValue) \(name). Copy the folder to its machine: \(options) FOLDER\n"
            )
        }
    }

    struct Master: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a master's folder with a new key.")
        @OptionGroup var folder: Folder

        func run() async throws {
            _ = try KeysCommand.refusing { () throws(TransportError) in try KeyFolders.makeMaster(folder.dir) }
            Console().write(
                "\(folder.dir): the master's keys. Keep master.secret secret: loads-master --keys \(folder.dir)\n")
        }
    }

    struct Agent: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add an agent: it carries out runs.")
        @OptionGroup var peer: Peer
        func run() async throws { try peer.add(.agent) }
    }

    struct Client: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a client: it starts and stops runs.")
        @OptionGroup var peer: Peer
        func run() async throws { try peer.add(.client) }
    }

    struct Watcher: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a watcher: it sees the stream and nothing else.")
        @OptionGroup var peer: Peer
        func run() async throws { try peer.add(.watcher) }
    }

    private static func refusing<Result>(
        _ body: () throws(TransportError) -> Result
    ) throws -> Result {
        do throws(TransportError) { return try body() } catch { throw Refusal(.usage, error.message) }
    }
}
