import LoadsCore
import LoadsURLRunner

/// The scenarios of a file: targets with weights, and models of their own.
struct Mix: Sendable, Equatable {
    /// One entry.
    struct Entry: Sendable, Equatable {
        /// A test, or what the request is called.
        var target: String
        /// Nil is a test.
        var request: CheckedRun.URLRequest?
        var weight: Int
        /// Its own model; nil shares that of the run with the others that have none.
        var part: MixPart?
        /// What the file says of it.
        var settings: Settings

        /// Its target, with where it stands.
        var place: String { settings.list("target").first.map { URLRunner.shown($0.words) } ?? target }
    }

    var entries: [Entry]

    /// - Returns: nil when there is none, or it cannot be told; the problems say why.
    init?(_ settings: Settings, _ read: inout Readings) {
        guard !settings.scenarios.isEmpty else { return nil }
        entries = []
        for scenario in settings.scenarios {
            if let entry = Self.entry(scenario, shared: settings.list("header"), &read) { entries.append(entry) }
        }
        for target in settings.list("target") {
            read.complain("\(target.label) \(target.text): the scenarios have the targets")
        }
        guard entries.count == settings.scenarios.count, judgeKinds(settings, &read) else { return nil }
        let sharing = entries.filter { $0.part == nil }
        for (index, entry) in sharing.enumerated()
        where sharing[..<index].contains(where: { $0.target == entry.target }) {
            read.complain("\(entry.place): stands twice: once, with a weight for both, is the same")
        }
        guard !entries.contains(where: { $0.part == nil }) else { return }
        for given in Settings.loadOptions.compactMap({ settings.given($0) }) {
            read.complain("\(given.words): is for scenarios without a model of their own, and each has one")
        }
    }

    /// What the file says of the scenario whose model is a part of the plan's mix; nil for what they share.
    func settings(ofPart index: Int) -> Settings? {
        let own = entries.filter { $0.part != nil }
        return own.indices.contains(index) ? own[index].settings : nil
    }

    /// Whether the scenarios are all tests or all URLs, and nothing is said that is for the other.
    private func judgeKinds(_ settings: Settings, _ read: inout Readings) -> Bool {
        let before = read.problems.count
        let urls = entries.filter { $0.request != nil }
        guard let url = urls.first, let request = url.request else {
            CheckedRun.refuseForOthers(entries[0].target, "a test", settings, &read)
            return read.problems.count == before
        }
        if let test = entries.first(where: { $0.request == nil }) {
            read.complain(
                "\(url.place) is a URL, and \(test.target) a test: the scenarios of a mix are one or the other")
        }
        CheckedRun.refuseForURLs(request.shownURL, settings, &read)
        CheckedRun.URLRequest.judge(settings, &read)
        for name in ["method", "body", "name"] {
            guard let given = settings.value(name) else { continue }
            read.complain("\(given.words): is for one URL: say it of a scenario")
        }
        if let problem = CheckedRun.URLRequest.problem(of: urls.compactMap(\.request)) {
            read.complain("\(urls[problem.index].place): \(problem.words)")
        }
        return read.problems.count == before
    }

    private static func entry(
        _ scenario: Settings.Scenario, shared: [Settings.Given], _ read: inout Readings
    ) -> Entry? {
        let settings = scenario.settings
        let targets = settings.list("target")
        guard targets.count == 1, let target = targets.first, !target.text.isEmpty else {
            read.complain("\(scenario.label): a scenario has one target (try `- target: Module.Suite/test`)")
            return nil
        }
        let before = read.problems.count
        var request: CheckedRun.URLRequest?
        if WebAddress.isMeant(by: target.text) {
            if let problem = WebAddress.problem(with: target.text) {
                read.complain("\(URLRunner.shown(target.words)): \(problem)")
            }
            CheckedRun.URLRequest.judge(settings, &read)
            request = CheckedRun.URLRequest(target.text, settings, shared: shared)
        } else {
            CheckedRun.refuseForOthers(target.text, "a test", settings, &read)
        }
        let weighed = settings.value("weight")
        let weight = read.count(weighed, upTo: 1_000_000) ?? 1
        var part: MixPart?
        if ["rate", "stages", "users", "iterations", "duration"].contains(where: { settings.value($0) != nil }) {
            if let weighed {
                read.complain(
                    "\(weighed.words): is for scenarios that share the run's model, and this one has its own")
            }
            if let model = ModelOptions.model(settings, &read) {
                let isOpen = Plan(model: model).isOpen
                part = MixPart(
                    scenarios: [request?.label ?? target.text], start: read.duration(settings.value("start")) ?? .zero,
                    model: model,
                    think: read.thinkTime(settings.value("think")) ?? .zero,
                    pacing: read.duration(settings.value("pacing")) ?? .zero,
                    pause: read.duration(settings.value("pause")) ?? .zero,
                    // That of a rate is a stage of its model.
                    rampUp: isOpen ? .zero : read.duration(settings.value("ramp-up")) ?? .zero)
            }
        } else {
            for name in Settings.scenarioOptions.subtracting(["target", "weight"] + CheckedRun.URLRequest.options)
                .sorted()
            {
                guard let given = settings.given(name) else { continue }
                read.complain(
                    "\(given.words): is for a scenario with a model of its own (rate, stages or users)")
            }
        }
        return read.problems.count == before
            ? Entry(
                target: request?.label ?? target.text, request: request, weight: weight, part: part, settings: settings)
            : nil
    }

    /// What the scenarios do. A request may stand in several of them.
    var target: CheckedRun.Target {
        var requests: [CheckedRun.URLRequest] = []
        for request in entries.compactMap(\.request) where !requests.contains(request) { requests.append(request) }
        return requests.isEmpty ? .tests(entries.map(\.target)) : .urls(requests)
    }

    /// The plan with its weights and parts.
    ///
    /// - Parameter names: Which scenarios a target means.
    func applied(to plan: Plan, _ names: (String) -> [String]) -> Plan {
        var mixed = plan
        // One with a model of its own has none, and may be the same as one that has.
        for entry in entries where entry.part == nil {
            for name in names(entry.target) { mixed.weights[name] = entry.weight }
        }
        guard entries.contains(where: { $0.part != nil }) else { return mixed }
        var parts = entries.compactMap { entry in
            entry.part.map { part in
                var part = part
                part.scenarios = names(entry.target)
                return part
            }
        }
        let shared = entries.filter { $0.part == nil }.flatMap { names($0.target) }
        if !shared.isEmpty {
            parts.append(
                MixPart(
                    scenarios: shared, model: plan.model, think: plan.think, pacing: plan.pacing, pause: plan.pause,
                    rampUp: plan.rampUp))
        }
        mixed.model = .mix(parts)
        mixed.think = .zero
        (mixed.pacing, mixed.pause, mixed.rampUp) = (.zero, .zero, .zero)
        return mixed
    }
}
