import LoadsCore

/// Reads the load model out of the options: cycles of users, stages, or arrivals at a rate.
enum ModelOptions {
    /// - Returns: nil when it cannot be told; the problems say why.
    static func model(_ settings: Settings, _ read: inout Readings) -> LoadModel? {
        guard let kind = kind(settings, &read) else { return nil }
        var allowed = true
        for (name, kinds, reason) in rules {
            guard let given = settings.given(name), !kinds.contains(kind) else { continue }
            read.complain("\(given.words): \(reason(kind))")
            allowed = false
        }
        guard allowed else { return nil }
        switch kind {
        case .cycles: return cycles(settings, &read).map { .cycles($0) }
        case .userStages: return userStages(settings, &read).map { .users($0) }
        case .rate, .rateStages: return arrivals(settings, &read).map { .arrivals($0) }
        }
    }

    private enum Kind {
        case cycles, userStages, rate, rateStages

        /// The option that makes a run one of this kind.
        var option: String {
            switch self {
            case .cycles: "--users"
            case .userStages, .rateStages: "--stages"
            case .rate: "--rate"
            }
        }
    }

    /// Which options go with which kind of model, and what to say of one that does not.
    private static let rules: [(name: String, kinds: Set<Kind>, reason: @Sendable (Kind) -> String)] = [
        (
            "users", [.cycles],
            { kind in
                kind == .userStages
                    ? "users and stages exclude each other: a stage says how many users there are"
                    : "users and a rate exclude each other: with a rate users are made as needed (--max-users bounds them)"
            }
        ),
        (
            "iterations", [.cycles],
            { "a number of iterations is for each user; \($0.option) ends with its time (-d, or the stages)" }
        ),
        ("duration", [.cycles, .rate], { _ in "the stages have their own times" }),
        ("pause", [.cycles], { _ in "is between cycles of users (-c 10:20)" }),
        ("ramp-up", [.cycles, .rate], { _ in "the stages are the ramps" }),
        ("think", [.cycles, .userStages], { _ in "with a rate no user waits between iterations: the rate says when" }),
        (
            "pacing", [.cycles, .userStages],
            { _ in "with a rate no user waits between iterations: the rate says when" }
        ),
        ("repeat", [.userStages, .rateStages], { _ in "is for --stages" }),
        ("max-users", [.rate, .rateStages], { _ in "is for a rate (--rate 500/s)" }),
        ("queue", [.rate, .rateStages], { _ in "is for a rate (--rate 500/s)" }),
        ("poisson", [.rate, .rateStages], { _ in "is for a rate (--rate 500/s)" }),
    ]

    private static func kind(_ settings: Settings, _ read: inout Readings) -> Kind? {
        let (rate, stages) = (settings.value("rate"), settings.value("stages"))
        if let rate, let stages {
            read.complain(
                "\(rate.label) \(rate.text) and \(stages.label) \(stages.text) exclude each other: give the stages rates "
                    + "(--stages 30s:500/s,2m:500/s)")
            return nil
        }
        if rate != nil { return .rate }
        guard let stages else { return .cycles }
        return stages.text.contains("/") ? .rateStages : .userStages
    }

    // MARK: Users

    private static func cycles(_ settings: Settings, _ read: inout Readings) -> [Plan.Cycle]? {
        let users = settings.value("users")
        let iterations = settings.value("iterations")
        let duration = settings.value("duration")
        let counts = users == nil ? [1] : read.counts(users, upTo: Plan.userLimit)
        let work = read.counts(iterations, upTo: Plan.iterationLimit)
        let times = read.durations(duration)
        if let iterations, let duration {
            read.complain(
                "\(iterations.label) \(iterations.text) and \(duration.label) \(duration.text) exclude each other: "
                    + "say how often or how long")
            return nil
        }
        guard let counts, (iterations == nil) == (work == nil), (duration == nil) == (times == nil) else { return nil }
        let amounts =
            work.map { $0.map(Plan.Amount.iterations) } ?? times.map { $0.map(Plan.Amount.duration) }
            ?? [.iterations(1)]
        if amounts.count > counts.count, let given = iterations ?? duration {
            read.complain(
                "\(given.label) \(given.text): \(amounts.count) cycles, but --users \(users?.text ?? "1") has "
                    + "\(counts.count) (try -c \((0..<amounts.count).map { _ in String(counts.last!) }.joined(separator: ":")))"
            )
            return nil
        }
        if counts.count == 1, let pause = settings.value("pause"), settings.scenarios.isEmpty,
            pause.isOnCommandLine || users?.isOnCommandLine != true
        {
            // The command line may make one cycle of a file's several: then the file's pause has nothing to do.
            read.complain("\(pause.words): is between cycles of users, and there is one (try -c 10:20)")
        }
        return counts.enumerated().map { index, users in
            Plan.Cycle(users: users, amount: amounts[min(index, amounts.count - 1)])
        }
    }

    private static func userStages(_ settings: Settings, _ read: inout Readings) -> UserStages? {
        let stages = stages(settings, &read) { target, given, read in
            read.countOrNone(Settings.Given(text: target, label: given.label), upTo: Plan.userLimit)
        }
        return stages.map { UserStages(stages: $0.map { UserStage(duration: $0.duration, users: $0.target) }) }
    }

    // MARK: Arrivals

    private static func arrivals(_ settings: Settings, _ read: inout Readings) -> Arrivals? {
        let stages = settings.value("rate") == nil ? rateStages(settings, &read) : constant(settings, &read)
        let maxUsers = read.count(settings.value("max-users"), upTo: Plan.userLimit)
        let queue = read.countOrNone(settings.value("queue"), upTo: Arrivals.queueLimit)
        return stages.map {
            Arrivals(stages: $0, maxUsers: maxUsers, queue: queue, poisson: settings.flag("poisson"))
        }
    }

    private static func constant(_ settings: Settings, _ read: inout Readings) -> [RateStage]? {
        guard let given = settings.value("rate") else { return nil }
        let rate = read.rate(given)
        if rate == .zero {
            read.complain("\(given.label) \(given.text): nothing would ever start (try 500/s, 0.5/s, 90/m)")
        }
        guard let length = settings.value("duration") else {
            read.complain("\(given.label) \(given.text): never ends: say for how long (-d 1m)")
            return nil
        }
        let ramp = read.duration(settings.value("ramp-up"))
        guard let duration = read.duration(length, positive: true), let rate, rate > .zero else { return nil }
        let rest = duration - (ramp ?? .zero)
        guard rest >= .zero else {
            read.complain(
                "\(settings.label("ramp-up")) \(DurationText.text(ramp!)): longer than the run (\(length.text))")
            return nil
        }
        return [
            RateStage(duration: ramp ?? .zero, rate: rate), RateStage(duration: rest, rate: rate),
        ]
    }

    private static func rateStages(_ settings: Settings, _ read: inout Readings) -> [RateStage]? {
        let stages = stages(settings, &read) { target, given, read in
            if target == "0" { return ArrivalRate.zero }
            guard target.contains("/") else {
                read.complain("\(given.label) \(given.text): \(target) is no rate, as others are (try \(target)/s)")
                return nil
            }
            return read.rate(Settings.Given(text: target, label: given.label))
        }
        return stages?.map { RateStage(duration: $0.duration, rate: $0.target) }
    }

    // MARK: Stages

    /// `30s:50,2m:50,10s:0`, as often as `repeat` says.
    private static func stages<Target>(
        _ settings: Settings, _ read: inout Readings,
        _ target: (String, Settings.Given, inout Readings) -> Target?
    ) -> [(duration: Duration, target: Target)]? {
        guard let given = settings.value("stages") else { return nil }
        var stages: [(duration: Duration, target: Target)] = []
        for part in given.text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: ":", omittingEmptySubsequences: false)
                .map { $0.filter { $0 != " " } }
            guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else {
                read.complain(
                    "\(given.label) \(given.text): \(part.isEmpty ? "''" : String(part)) is no stage "
                        + "(try 30s:50, a time and what is reached in it)")
                return nil
            }
            guard let duration = read.duration(Settings.Given(text: halves[0], label: given.label)),
                let value = target(halves[1], given, &read)
            else { return nil }
            stages.append((duration, value))
        }
        guard let again = settings.value("repeat") else { return stages }
        guard let times = read.count(again, upTo: LoadModel.stageLimit) else { return nil }
        guard stages.count * times <= LoadModel.stageLimit else {
            read.complain("\(again.label) \(again.text): \(stages.count * times) stages, and a plan has at most 10,000")
            return nil
        }
        return (0..<times).flatMap { _ in stages }
    }
}
