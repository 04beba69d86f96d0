/// What the command line and the configuration file say, as text, before anything is judged.
struct Settings: Sendable {
    /// One value, and where it stands, so that a complaint can name it.
    struct Given: Sendable, Equatable {
        var text: String
        /// `--users`, or `loads.yml:3: users`.
        var label: String
    }

    /// What kind of value an option takes.
    enum Kind: Sendable {
        case value, list, flag
    }

    /// Every option that can stand in a file, under its long name.
    static let options: [String: Kind] = [
        "target": .list, "command": .list, "users": .value, "iterations": .value, "duration": .value, "pause": .value,
        "ramp-up": .value,
        "rate": .value, "stages": .value, "repeat": .value, "max-users": .value, "queue": .value, "poisson": .flag,
        "pacing": .value, "warm-up": .value, "precise": .flag, "think": .value, "grace": .value, "package": .value,
        "server-url": .value, "timeout": .value, "loops": .value,
        "threads": .flag, "new-connections": .flag, "max-names": .value, "json": .value, "stream": .value,
        "quiet": .flag, "no-color": .flag, "debug-requests": .flag, "method": .value, "header": .list, "body": .value,
        "name": .value, "env": .list, "seed": .value, "set-up": .flag, "master": .value, "keys": .value,
        "agents": .value,
        "label": .list, "weighted": .flag,
        "csv": .value, "csv-series": .value, "junit": .value, "hdr-log": .value, "markdown": .value,
        "prometheus": .value, "otlp": .value, "otlp-header": .list, "statsd": .value, "baseline": .value,
        "tolerance": .value,
        "on-lost": .value, "include": .list, "detach": .flag, "keep-hits": .flag,
        "expect": .list, "strict": .flag,
    ]

    /// Other names of options.
    static let aliases = ["hits": "iterations"]

    private(set) var values: [String: [Given]] = [:]
    private(set) var flags: [String: Bool] = [:]

    func value(_ name: String) -> Given? { values[name]?.last }
    func list(_ name: String) -> [Given] { values[name] ?? [] }
    func flag(_ name: String) -> Bool { flags[name] ?? false }

    mutating func add(_ name: String, _ text: String?, label: String) {
        guard let text else { return }
        values[name, default: []].append(Given(text: text, label: label))
    }

    mutating func set(_ name: String, _ flag: Bool?) {
        if let flag { flags[name] = flag }
    }

    /// These settings, and what the file says where they are silent.
    ///
    /// Iterations and a duration exclude each other: the command line's one sets the file's other one aside.
    func over(_ file: Settings) -> Settings {
        var result = self
        for (name, given) in file.values where values[name] == nil {
            if name == "duration", values["iterations"] != nil { continue }
            if name == "iterations", values["duration"] != nil { continue }
            result.values[name] = given
        }
        result.flags.merge(file.flags) { own, _ in own }
        return result
    }
}
