import ArgumentParser

/// The options of a run on a master's agents.
struct RemoteOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Run on the agents of this master: tcp://127.0.0.1:7780.", valueName: "address"))
    var master: String?
    @Option(help: ArgumentHelp("The folder with this client's keys (`loads keys`).", valueName: "folder"))
    var keys: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("On so many agents (default: all that are free).", valueName: "n"))
    var agents: String?
    @Option(
        help: ArgumentHelp("Only on agents with this label: zone=eu; may stand several times.", valueName: "name=value")
    )
    var label: [String] = []
    @Flag(inversion: .prefixedNo, help: "Share the users by the agents' cores instead of equally.")
    var weighted: Bool?
    @Option(
        help: ArgumentHelp(
            "When an agent is lost: continue (default), redistribute, stop.", valueName: "policy"))
    var onLost: String?
    @Option(
        help: ArgumentHelp("Send this file or folder along; may stand several times.", valueName: "path"))
    var include: [String] = []
    @Flag(inversion: .prefixedNo, help: "Submit the run and leave; `loads attach RUN` shows it.")
    var detach: Bool?
    @Flag(inversion: .prefixedNo, help: "The master keeps every hit in its data folder.")
    var keepHits: Bool?

    func add(to settings: inout Settings) {
        for (name, value) in [("master", master), ("keys", keys), ("agents", agents), ("on-lost", onLost)] {
            settings.add(name, value, label: "--\(name)")
        }
        for value in label { settings.add("label", value, label: "--label") }
        for value in include { settings.add("include", value, label: "--include") }
        settings.set("weighted", weighted)
        settings.set("detach", detach)
        settings.set("keep-hits", keepHits)
    }
}
