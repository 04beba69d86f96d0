/// What the command line and the configuration file say, as text, before anything is judged.
struct Settings: Sendable, Equatable {
    /// One value, and where it stands, so that a complaint can name it.
    struct Given: Sendable, Equatable {
        var text: String
        /// `--users`, or `loads.yml:3: users`.
        var label: String

        var isOnCommandLine: Bool { label.hasPrefix("--") }

        /// Where it stands and what it says.
        var words: String { text.isEmpty ? label : "\(label) \(text)" }
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
        "name": .value, "insecure": .flag, "ca": .value,
        "env": .list, "seed": .value, "set-up": .flag, "master": .value, "keys": .value,
        "agents": .value, "label": .list, "weighted": .flag,
        "csv": .value, "csv-series": .value, "junit": .value, "hdr-log": .value, "markdown": .value, "html": .value,
        "prometheus": .value, "otlp": .value, "otlp-header": .list, "statsd": .value, "baseline": .value,
        "tolerance": .value,
        "on-lost": .value, "include": .list, "detach": .flag, "keep-hits": .flag,
        "expect": .list, "strict": .flag,
    ]

    /// Other names of options.
    static let aliases = ["hits": "iterations"]

    /// The letters of the command line, which a file may use, too.
    static let letters = ["c": "users", "n": "iterations", "d": "duration"]

    /// The option that is meant by what somebody wrote.
    static func name(_ written: String) -> String { aliases[written] ?? letters[written] ?? written }

    /// What separates the parts of an option's one value, where a file may have a list of them.
    static let separators = ["stages": ",", "users": ":", "iterations": ":"]

    /// What stands in an entry of a file's `scenarios`, beside its `weight` and `start`: a target and, perhaps, its own model.
    static let scenarioOptions: Set<String> = [
        "target", "weight", "start", "users", "iterations", "duration", "pause", "rate", "stages", "repeat",
        "max-users",
        "queue", "poisson", "think", "pacing", "ramp-up", "method", "header", "body", "name",
    ]

    /// The scenarios of a mix, each with what the file says of it; only a file has them.
    var scenarios: [Scenario] = []

    /// An entry of a mix, and where it stands.
    struct Scenario: Sendable, Equatable {
        var settings: Settings
        var label: String
    }

    private(set) var values: [String: [Given]] = [:]
    private(set) var flags: [String: Flag] = [:]

    /// A yes or no, and where it stands.
    struct Flag: Sendable, Equatable {
        var isOn: Bool
        var label: String
    }

    func value(_ name: String) -> Given? { values[name]?.last }
    func list(_ name: String) -> [Given] { values[name] ?? [] }
    func flag(_ name: String) -> Bool { flags[name]?.isOn ?? false }

    /// A value, or a flag that is on.
    func given(_ name: String) -> Given? {
        if let value = value(name) { return value }
        return flags[name].flatMap { $0.isOn ? Given(text: "", label: $0.label) : nil }
    }

    /// What a complaint about an option begins with, wherever it stands.
    func label(_ name: String) -> String { value(name)?.label ?? flags[name]?.label ?? "--\(name)" }

    mutating func add(_ name: String, _ text: String?, label: String) {
        guard let text else { return }
        values[name, default: []].append(Given(text: text, label: label))
    }

    mutating func set(_ name: String, _ flag: Bool?, label: String? = nil) {
        if let flag { flags[name] = Flag(isOn: flag, label: label ?? "--\(name)") }
    }

    /// These settings, and what the file says where they are silent.
    ///
    /// Iterations and a duration exclude each other: the command line's one sets the file's other one aside. So do users,
    /// a rate and stages, with all that goes with them.
    func over(_ file: Settings) -> Settings {
        var result = self
        let model = Self.models.first { values[$0] != nil }
        let aside = model.map { Self.asideOf($0) } ?? []
        for (name, given) in file.values where values[name] == nil {
            if aside.contains(name), file.values[model!] == nil { continue }
            if name == "duration", values["iterations"] != nil { continue }
            if name == "iterations", values["duration"] != nil { continue }
            result.values[name] = given
        }
        // A target on the command line is what is run.
        if values["target"] == nil, values["command"] == nil { result.scenarios = file.scenarios }
        result.flags.merge(file.flags) { own, _ in own }
        if aside.contains("poisson"), file.values[model!] == nil, flags["poisson"] == nil {
            result.flags["poisson"] = nil
        }
        return result
    }

    /// Options of a load model, whichever it is.
    static let loadOptions = [
        "users", "iterations", "duration", "pause", "ramp-up", "rate", "stages", "repeat", "max-users", "queue",
        "poisson",
        "think", "pacing",
    ]

    /// Options that say which load model a run has.
    private static let models = ["users", "rate", "stages"]

    /// What a file says of another model than the one that the command line has chosen.
    private static func asideOf(_ model: String) -> Set<String> {
        let own: [String: Set<String>] = [
            "users": ["users", "iterations", "duration", "pause", "ramp-up", "think", "pacing"],
            "rate": ["rate", "duration", "ramp-up", "max-users", "queue", "poisson"],
            "stages": ["stages", "repeat", "max-users", "queue", "poisson", "think", "pacing"],
        ]
        return own.values.reduce(into: Set()) { $0.formUnion($1) }.subtracting(own[model]!)
    }
}
