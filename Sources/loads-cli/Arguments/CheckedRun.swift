import LoadsCore
import LoadsURLRunner
import LoadsWire

/// A run as it was asked for: everything judged, nothing started.
struct CheckedRun: Sendable, Equatable {
    /// What a run does.
    enum Target: Sendable, Equatable {
        case tests([String])
        /// Of several each iteration draws one.
        case urls([URLRequest])
        /// A program that is a runner, and its arguments.
        case command([String])
    }

    var target: Target
    var plan: Plan
    /// Whether nobody named the plan's seed.
    var drawsSeed: Bool
    /// Whether a program has a set-up and a tear-down; tests say so themselves.
    var hasSetUp: Bool
    /// For the runner's environment.
    var environment: [String: String]
    /// The scenarios of a file, if it names some.
    var mix: Mix?
    /// The plan without them.
    private var unmixed: Plan
    var package: String
    var outputs: CheckedOutputs
    /// Where a local run is published: `tcp://127.0.0.1:7782`.
    var publish: String?
    /// The folder of keys, for what goes over a network.
    var keys: String?
    var quiet: Bool
    /// Whether to colour; nil decides by the terminal.
    var color: Bool?
    var debugRequests: Bool
    /// What the run must keep to.
    var thresholds: [Threshold]
    /// Whether anything but a valid run is refused.
    var strict: Bool
    /// How its URLs have their servers trusted.
    var trust: ServerTrust
    /// On which master's agents it runs; nil is on this machine.
    var remote: RemotePlace?

    /// Judges the settings.
    ///
    /// - Throws: ``UsageError`` with all problems at once.
    init(_ settings: Settings) throws(UsageError) {
        var read = Readings()
        let mix = Mix(settings, &read)
        self.mix = mix
        let target = settings.scenarios.isEmpty ? Self.target(settings, &read) : mix?.target ?? .tests([])
        let common = Self.plan(settings, &read)
        // Under the names of the targets: which scenarios they mean is known once the tests are built.
        let plan = common.map { plan in mix?.applied(to: plan) { [$0] } ?? plan }
        drawsSeed = settings.value("seed") == nil
        environment = Self.environment(settings, &read)
        hasSetUp = settings.flag("set-up")
        let first = settings.list("target").first.map { URLRunner.shown($0.text) } ?? mix?.entries.first?.target
        if hasSetUp, settings.list("command").isEmpty, let first {
            read.complain(
                "\(settings.label("set-up")): is for programs, and \(first) is none (tests say themselves what they set up)"
            )
        }
        package = settings.value("package")?.text ?? "."
        outputs = CheckedOutputs(settings, &read)
        let streamed = settings.value("stream")
        let isPublished = streamed?.text.hasPrefix("tcp:") ?? false
        publish = isPublished ? streamed?.text : nil
        keys = settings.value("keys")?.text
        if let streamed, isPublished, let problem = MasterAddress.problem(with: streamed.text) {
            read.complain("\(streamed.label) \(streamed.text): \(problem)")
        }
        if let given = settings.value("package"), given.text.isEmpty {
            read.complain("\(given.label): the path is empty")
        }
        quiet = settings.flag("quiet")
        color = settings.flags["no-color"].map { !$0.isOn }
        debugRequests = settings.flag("debug-requests")
        thresholds = read.thresholds(settings.list("expect"))
        strict = settings.flag("strict")
        trust = if case .urls = target { ServerTrust(settings, &read) } else { ServerTrust() }
        remote = RemotePlace(settings, &read)
        if let plan, let obstacle = remote?.placement.obstacle(to: plan) { read.complain(obstacle) }
        if remote != nil, let publish {
            read.complain(
                "\(settings.label("stream")) \(publish): the master publishes its runs itself (`loads-master --stream`)"
            )
        }
        // What no single option tells: `--threads` with too many users.
        if read.problems.isEmpty, let plan {
            for problem in plan.validate() { read.complain(Self.text(of: problem, settings, mix)) }
        }
        guard read.problems.isEmpty, let target, let plan else { throw UsageError(read.problems) }
        self.target = target
        self.plan = plan
        unmixed = common ?? plan
    }

    /// A problem of the plan, with where its option stands.
    private static func text(of problem: PlanProblem, _ settings: Settings, _ mix: Mix?) -> String {
        let own = problem.part.flatMap { mix?.settings(ofPart: $0) } ?? settings
        if problem.option == "scenarios", let scenario = settings.scenarios.first {
            return "\(scenario.label): \(problem.value): \(problem.remedy)"
        }
        // A rate may stand in stages.
        let option = problem.option == "rate" && own.given("rate") == nil ? "stages" : problem.option
        return "\(own.label(option)) \(problem.value): \(problem.remedy)"
    }

    /// The plan with the mix under the names that the runner knows.
    ///
    /// - Parameter names: Which scenarios a target means.
    func plan(naming names: (String) -> [String]) -> Plan {
        guard let mix else { return plan }
        var mixed = mix.applied(to: unmixed, names)
        // What became of the plan since.
        (mixed.rawHits, mixed.firstUser, mixed.seed) = (plan.rawHits, plan.firstUser, plan.seed)
        return mixed
    }

    /// The target in the words of the command line.
    var targetText: String {
        switch target {
        case .tests(let names): names.joined(separator: " ")
        case .urls(let requests): requests.map(\.text).joined(separator: " ")
        case .command(let words): words.map(Self.quoted).joined(separator: " ")
        }
    }

    var isURL: Bool {
        if case .urls = target { true } else { false }
    }

    /// Whether it goes to an `http://` server, as far as can be told.
    var isPlain: Bool {
        let servers =
            switch target {
            case .urls(let requests): requests.map(\.url)
            case .tests, .command: [plan.serverURL ?? ""]
            }
        return servers.allSatisfy(DescriptorLimit.isPlain)
    }

    /// Servers that each user may have a connection to, as far as can be told.
    var servers: Int {
        guard case .urls(let requests) = target else { return 1 }
        let origins = requests.map {
            $0.url.lowercased().split(separator: "/", omittingEmptySubsequences: false).prefix(3)
        }
        return max(1, Set(origins.map { $0.joined(separator: "/") }).count)
    }

    // MARK: Target

    private static func target(_ settings: Settings, _ read: inout Readings) -> Target? {
        let targets = settings.list("target")
        if let program = settings.list("command").first { return command(program, settings, &read) }
        guard let first = targets.first else {
            read.complain(
                "no target: name a test (Module.Suite/test) or a URL, or a program behind --; "
                    + "`loads list` shows the tests")
            return nil
        }
        let urls = targets.filter { WebAddress.isMeant(by: $0.text) }
        guard let url = urls.first else {
            refuseForOthers(first.text, "a test", settings, &read)
            for target in targets {
                if target.text.isEmpty { read.complain("a target is empty") }
                guard WebAddress.lacksScheme(target.text) else { continue }
                read.complain("\(target.text): a URL begins with its scheme (try http://\(target.text))")
            }
            return .tests(targets.map(\.text))
        }
        let shown = URLRunner.shown(url.text)
        if let test = targets.first(where: { !WebAddress.isMeant(by: $0.text) }) {
            read.complain("\(shown) is a URL, and \(test.text) a test: the targets of a run are one or the other")
        }
        refuseForURLs(shown, settings, &read)
        URLRequest.judge(settings, &read)
        for url in urls {
            guard let problem = WebAddress.problem(with: url.text) else { continue }
            read.complain("\(URLRunner.shown(url.text)): \(problem)")
        }
        if let name = settings.value("name"), urls.count > 1 {
            read.complain("\(name.words): is for one URL, and there are \(urls.count)")
        }
        for (index, url) in urls.enumerated() where urls[..<index].contains(where: { $0.text == url.text }) {
            read.complain("\(URLRunner.shown(url.text)): stands twice (a file gives targets weights)")
        }
        let requests = urls.map { URLRequest($0.text, settings) }
        if requests.count > 1, settings.value("name") == nil, let problem = URLRequest.problem(of: requests) {
            read.complain("\(URLRunner.shown(urls[problem.index].text)): \(problem.words)")
        }
        return .urls(requests)
    }

    private static func command(_ program: Settings.Given, _ settings: Settings, _ read: inout Readings) -> Target? {
        if program.text.isEmpty { read.complain("\(program.label): the program has no name (try -- node test.js)") }
        for target in settings.list("target") {
            read.complain(
                "\(target.text): a run has one target, and the program \(program.text) is it "
                    + "(options of Loads stand before the --)")
        }
        refuseForOthers(program.text, "a program", settings, &read)
        for name in ["package", "loops"] {
            guard let given = settings.value(name) else { continue }
            read.complain("\(given.label) \(given.text): is for tests, and \(program.text) is a program")
        }
        for name in ["threads", "debug-requests", "precise"] where settings.flag(name) {
            read.complain("\(settings.label(name)): is for tests and URLs, and \(program.text) is a program")
        }
        return .command(settings.list("command").map(\.text))
    }

    /// A word as a shell would take it.
    static func quoted(_ word: String) -> String {
        let plain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=@%+,".contains($0) }
        return plain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static func environment(_ settings: Settings, _ read: inout Readings) -> [String: String] {
        var environment: [String: String] = [:]
        for given in settings.list("env") {
            let parts = given.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !given.text.utf8.contains(0) else {
                // Its value may be a secret: the name is enough.
                read.complain("\(given.label) \(parts[0]): not a variable (try NAME=VALUE)")
                continue
            }
            if parts[0].hasPrefix("LOADS_") {
                read.complain("\(given.label) \(parts[0]): variables that begin with LOADS_ are set by Loads itself")
            }
            environment[String(parts[0])] = String(parts[1])
        }
        return environment
    }

    // MARK: Plan

    private static func plan(_ settings: Settings, _ read: inout Readings) -> Plan? {
        let model = ModelOptions.model(settings, &read)
        var plan = Plan(model: model ?? .cycles([]))
        if let pause = read.duration(settings.value("pause")) { plan.pause = pause }
        if let rampUp = read.duration(settings.value("ramp-up")), !plan.isOpen { plan.rampUp = rampUp }
        if let think = read.thinkTime(settings.value("think")) { plan.think = think }
        if let pacing = read.duration(settings.value("pacing")) { plan.pacing = pacing }
        if let warmUp = read.duration(settings.value("warm-up")) { plan.warmUp = warmUp }
        plan.precise = settings.flag("precise")
        if let grace = read.duration(settings.value("grace")) { plan.grace = grace }
        plan.timeout = read.duration(settings.value("timeout"), positive: true)
        plan.loops = read.count(settings.value("loops"), upTo: Plan.loopLimit)
        if let maxNames = read.count(settings.value("max-names"), upTo: Plan.nameLimit) { plan.maxNames = maxNames }
        if let seed = read.count(settings.value("seed"), upTo: Plan.seedLimit) { plan.seed = seed }
        plan.threads = settings.flag("threads")
        plan.newConnections = settings.flag("new-connections")
        plan.rawHits = settings.value("stream").map { !$0.text.hasPrefix("tcp:") } ?? false
        if let server = settings.value("server-url") {
            if let problem = WebAddress.problem(with: server.text) {
                read.complain("\(server.label) \(server.text): \(problem)")
            }
            plan.serverURL = server.text
        }
        return model == nil ? nil : plan
    }
}
