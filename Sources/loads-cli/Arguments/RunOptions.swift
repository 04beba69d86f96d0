import ArgumentParser

/// The options of a run as the command line takes them. All are optional text: judged later, together with the file's.
struct RunOptions: ParsableArguments {
    @Argument(help: "Tests (Module.Suite/test, Module.Suite.test, Module.Suite), or URLs.")
    var targets: [String] = []
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A program that is the runner, word by word; easier written behind --: -- node checkout.mjs.",
            valueName: "word"))
    var command: [String] = []

    @Option(
        name: [.customShort("c"), .customLong("users")], parsing: .unconditional,
        help: ArgumentHelp("Users at the same time (default 1); 10:20:30 makes three cycles.", valueName: "n"))
    var users: String?
    @Option(
        name: [.customShort("n"), .customLong("iterations"), .customLong("hits")], parsing: .unconditional,
        help: ArgumentHelp("Iterations of each user (default 1); cycles as with -c.", valueName: "n"))
    var iterations: String?
    @Option(
        name: [.customShort("d"), .customLong("duration")], parsing: .unconditional,
        help: ArgumentHelp(
            "How long users iterate, instead of -n: 10s, 2m, 1h30m; cycles as with -c.", valueName: "time"))
    var duration: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Start iterations at a rate, whatever the target does: 500/s, 0.5/s, 90/m; with -d.", valueName: "rate"))
    var rate: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Ramps, one after the other, to so many users or to a rate: 30s:50,2m:50,10s:0 or 30s:500/s,2m:500/s.",
            valueName: "list"))
    var stages: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("How often the stages are run through.", valueName: "n"))
    var `repeat`: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With a rate: users at the same time, at most (default: those of 10 s, up to 10000).", valueName: "n"))
    var maxUsers: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "With a rate: arrivals that may wait for a user (default: as many as --max-users, at least 1000).",
            valueName: "n"))
    var queue: String?
    @Flag(inversion: .prefixedNo, help: "With a rate: random arrivals instead of evenly spaced ones.")
    var poisson: Bool?
    @Option(parsing: .unconditional, help: ArgumentHelp("Between two cycles.", valueName: "time"))
    var pause: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Over which a cycle's users start, evenly, or the rate is reached.", valueName: "time"))
    var rampUp: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a user waits between two iterations: 1s, uniform(1s,3s), normal(2s,500ms), exponential(2s).",
            valueName: "time"))
    var think: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The least time from the start of a user's iteration to its next.", valueName: "time"))
    var pacing: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Count what starts before that apart, and not in the figures.", valueName: "time"))
    var warmUp: String?
    @Flag(inversion: .prefixedNo, help: "Spin before a timer instead of sleeping: more punctual, up to a core a loop.")
    var precise: Bool?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long running iterations may go on after the end (default 30s).", valueName: "time"))
    var grace: String?

    @Option(
        help: ArgumentHelp(
            "In the environment of the tests or the program, on every agent; may stand several times.",
            valueName: "name=value"))
    var env: [String] = []
    @Flag(
        inversion: .prefixedNo,
        help: "A program has a set-up and a tear-down: it is started once before the users, and once after them.")
    var setUp: Bool?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What random rows and choices are drawn from (default: another one each time).", valueName: "n"))
    var seed: String?

    @Option(help: ArgumentHelp("The package with the tests (default: here).", valueName: "path"))
    var package: String?
    @Option(
        name: .customLong("server-url"),
        help: ArgumentHelp("Replaces the origin of the tests' requests: the same tests hit staging.", valueName: "url"))
    var serverURL: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Of a request that names none itself (default 60s).", valueName: "time"))
    var timeout: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Event loops (default: one a core).", valueName: "n"))
    var loops: String?
    @Flag(inversion: .prefixedNo, help: "One thread a user, for tests that block.")
    var threads: Bool?
    @Flag(inversion: .prefixedNo, help: "Close a user's connections after each iteration.")
    var newConnections: Bool?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Names kept apart; further ones become (other) (default 1000).", valueName: "n"))
    var maxNames: String?

    @Option(help: ArgumentHelp("For a URL (default GET, or POST with a body).", valueName: "method"))
    var method: String?
    @Option(help: ArgumentHelp("For a URL: \"Name: value\"; may stand several times.", valueName: "header"))
    var header: [String] = []
    @Option(help: ArgumentHelp("For a URL.", valueName: "text"))
    var body: String?
    @Option(help: ArgumentHelp("For a URL: the name its hits are counted under.", valueName: "name"))
    var name: String?
    @Flag(inversion: .prefixedNo, help: "For URLs: servers' certificates are not verified.")
    var insecure: Bool?
    @Option(
        help: ArgumentHelp(
            "For URLs: a PEM file with the authorities to trust instead of the system's, on every agent.",
            valueName: "file"))
    var ca: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "What the run must keep to: 'p95 < 200ms', 'errors < 1% over 10s abort'; may stand several times.",
            valueName: "threshold"))
    var expect: [String] = []
    @Flag(inversion: .prefixedNo, help: "Exit code 4 unless the numbers can be trusted and all thresholds judged.")
    var strict: Bool?

    @Option(help: ArgumentHelp("Write the summary as JSON.", valueName: "file"))
    var json: String?
    @Option(
        help: ArgumentHelp(
            "Write every hit as a line of JSON, as it happens; - is standard output, tcp://… a ZeroMQ socket.",
            valueName: "file")
    )
    var stream: String?
    @Flag(inversion: .prefixedNo, help: "No progress.")
    var quiet: Bool?
    @Flag(inversion: .prefixedNo, help: "Colours (default: on a terminal, unless NO_COLOR is set).")
    var color: Bool?
    @Flag(inversion: .prefixedNo, help: "Print the requests and responses of a first iteration in full.")
    var debugRequests: Bool?
    @Option(help: ArgumentHelp("Options from a file (loads.yml), under the same names.", valueName: "file"))
    var config: String?

    @OptionGroup(title: "Further outputs") var outputs: OutputOptions
    @OptionGroup(title: "On many machines") var remote: RemoteOptions

    /// Judges the options, those of the file behind those of the command line.
    ///
    /// - Throws: ``UsageError`` with all problems of both.
    func request() throws(UsageError) -> CheckedRun {
        guard let config else { return try CheckedRun(settings) }
        let file = try ConfigurationFile(path: config)
        do throws(UsageError) {
            let request = try CheckedRun(settings.over(file.settings))
            guard file.problems.isEmpty else { throw UsageError(file.problems) }
            return request
        } catch {
            throw UsageError(file.problems + error.problems.filter { !file.problems.contains($0) })
        }
    }

    private var settings: Settings {
        var settings = Settings()
        for target in targets { settings.add("target", target, label: "target") }
        for word in command { settings.add("command", word, label: "--") }
        for (name, value) in [
            ("users", users), ("iterations", iterations), ("duration", duration), ("pause", pause),
            ("ramp-up", rampUp), ("rate", rate), ("stages", stages), ("repeat", `repeat`), ("max-users", maxUsers),
            ("queue", queue), ("pacing", pacing), ("warm-up", warmUp), ("think", think), ("grace", grace),
            ("package", package), ("server-url", serverURL),
            ("timeout", timeout), ("loops", loops), ("max-names", maxNames), ("method", method), ("body", body),
            ("name", name), ("ca", ca), ("seed", seed), ("json", json), ("stream", stream),
        ] {
            settings.add(name, value, label: "--\(name)")
        }
        for value in header { settings.add("header", value, label: "--header") }
        for value in env { settings.add("env", value, label: "--env") }
        for value in expect { settings.add("expect", value, label: "--expect") }
        settings.set("strict", strict)
        settings.set("threads", threads)
        settings.set("poisson", poisson)
        settings.set("precise", precise)
        settings.set("new-connections", newConnections)
        settings.set("set-up", setUp)
        settings.set("quiet", quiet)
        settings.set("no-color", color.map { !$0 })
        settings.set("debug-requests", debugRequests)
        settings.set("insecure", insecure)
        outputs.add(to: &settings)
        remote.add(to: &settings)
        return settings
    }
}
