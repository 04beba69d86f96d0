import LoadsCore
import Testing

@testable import loads_cli

/// The scenarios of a file, and where what is wrong with them is told.
@Suite struct MixOptionsTests {
    private func run(_ text: String, _ own: [(String, String)] = []) throws -> CheckedRun {
        var settings = Settings()
        for (name, value) in own { settings.add(name, value, label: "--\(name)") }
        return try CheckedRun(settings.over(try ConfigurationFile(text: text, path: "t.yml").settings))
    }

    private func problems(_ text: String, _ own: [(String, String)] = []) -> [String] {
        do {
            _ = try run(text, own)
            return []
        } catch {
            return (error as? UsageError)?.problems ?? ["\(error)"]
        }
    }

    @Test func aScenarioHasAllThatAModelHas() throws {
        let plan = try run(
            """
            ramp-up: 3s
            users: 4:8
            duration: 5s
            pause: 1s
            scenarios:
              - target: A.B
                users: 2:3
                duration: 10s
                pause: 2s
                ramp-up: 4s
                think: 1s
                pacing: 5s
                start: 6s
              - target: A.C
                rate: 10/s
                duration: 20s
                ramp-up: 10s
              - target: A.D
            """
        ).plan
        let parts = plan.parts
        try #require(parts.count == 3)
        #expect(parts[0].plan.pause == .seconds(2) && parts[0].plan.rampUp == .seconds(4))
        #expect(parts[0].plan.think == .seconds(1) && parts[0].plan.pacing == .seconds(5))
        #expect(parts[0].start == .seconds(6) && parts[0].plan.cycles.map(\.users) == [2, 3])
        // That of a rate is a stage.
        #expect(parts[1].plan.rampUp == .zero && parts[1].plan.arrivals?.schedule.total == 150)
        // The run's own is that of those without a model.
        #expect(parts[2].plan.pause == .seconds(1) && parts[2].plan.rampUp == .seconds(3))
        #expect(plan.pause == .zero && plan.rampUp == .zero)
        // 6 s later two cycles of 10 s, 2 s apart.
        #expect(plan.length == .seconds(28))
    }

    @Test func urlsMakeAMixToo() throws {
        let run = try run(
            """
            header: "A: b"
            users: 2
            scenarios:
              - target: http://h/
                weight: 3
              - target: http://h/form
                body: x
                header: ["C: d", "E: f"]
                name: search
              - target: http://h/
                rate: 5/s
                duration: 2s
            """)
        #expect(
            run.target
                == .urls([
                    .init(url: "http://h/", method: "GET", headers: ["A: b"]),
                    .init(
                        url: "http://h/form", method: "POST", headers: ["A: b", "C: d", "E: f"], body: "x",
                        name: "search"),
                ]))
        #expect(run.isURL && run.targetText == "http://h/ POST http://h/form")
        #expect(run.plan.weights == ["http://h/": 3, "search": 1])
        #expect(run.plan.parts.map(\.plan.isOpen) == [true, false])
    }

    @Test func trustHoldsForAllURLsOfAMix() throws {
        let mix = "scenarios:\n  - target: https://h/\n  - target: https://h/b\n"
        #expect(try run("insecure: true\n" + mix).trust.isInsecure)
        #expect(try !run(mix).trust.isInsecure)
    }

    @Test func aScenariosHeaderReplacesTheOneOfAll() throws {
        let run = try run(
            """
            header: ["Authorization: all", "X-Y: z"]
            scenarios:
              - target: http://h/
                header: "authorization: own"
              - target: http://h/b
            """)
        guard case .urls(let requests) = run.target else { return #expect(run.isURL) }
        #expect(requests.map(\.headers) == [["X-Y: z", "authorization: own"], ["Authorization: all", "X-Y: z"]])
    }

    @Test(arguments: [
        (
            "scenarios:\n  - target: http://h/\n  - target: http://h/\n    weight: 3\n",
            "t.yml:3: target http://h/: stands twice: once, with a weight for both, is the same"
        ),
        (
            "scenarios:\n  - target: http://h/\n  - target: A.B\n",
            "t.yml:2: target http://h/ is a URL, and A.B a test: the scenarios of a mix are one or the other"
        ),
        (
            "scenarios:\n  - target: http://h/a\n    name: x\n  - target: http://h/b\n    name: x\n",
            "t.yml:4: target http://h/b: another request is called x, too: give each a name (name: search)"
        ),
        (
            "scenarios:\n  - target: http://h/a\n  - target: http://h/a\n    header: \"A: b\"\n",
            "t.yml:3: target http://h/a: another request is called http://h/a, too: give each a name (name: search)"
        ),
        ("scenarios:\n  - target: http://u:p@h:x/\n", "t.yml:2: target http://u:***@h:x/: not a URL"),
        ("scenarios:\n  - target: http://h:x/\n", "t.yml:2: target http://h:x/: not a URL"),
        ("scenarios:\n  - target: http://h/\n    method: (\n", "t.yml:3: method (: not a method (try POST)"),
        ("scenarios:\n  - target: http://h/\n    header: bad\n", "t.yml:3: header bad: not a header"),
        ("header: bad\nscenarios:\n  - target: http://h/\n", "t.yml:1: header bad: not a header"),
        (
            "scenarios:\n  - target: http://h/\n    header: \"Content-Length: 5\"\n",
            "t.yml:3: header Content-Length: 5: Loads sends it itself, by the body"
        ),
        ("ca: /nowhere\nscenarios:\n  - target: https://h/\n", "t.yml:1: ca /nowhere: cannot be read"),
        ("insecure: true\nscenarios:\n  - target: A.B\n", "t.yml:1: insecure: is for a URL, and A.B is a test"),
        ("ca: f\nscenarios:\n  - target: A.B\n", "t.yml:1: ca f: is for a URL, and A.B is a test"),
        ("body: x\nscenarios:\n  - target: http://h/\n", "t.yml:1: body x: is for one URL: say it of a scenario"),
        ("package: P\nscenarios:\n  - target: http://h/\n", "t.yml:1: package P: is for tests, and http://h/ is a URL"),
        (
            "threads: true\nscenarios:\n  - target: http://h/\n    name: x\n",
            "t.yml:1: threads: is for tests whose bodies block, and http://h/ is a URL"
        ),
        (
            "env: A=b\nscenarios:\n  - target: http://h/\n",
            "t.yml:1: env: is for tests and programs, and http://h/ is a URL"
        ),
        (
            "set-up: true\nscenarios:\n  - target: http://h/\n",
            "t.yml:1: set-up: is for programs, and http://h/ is none"
        ),
        ("scenarios:\n  - target: A.B\n    method: PUT\n", "t.yml:3: method PUT: is for a URL, and A.B is a test"),
        ("method: PUT\nscenarios:\n  - target: A.B\n", "t.yml:1: method PUT: is for a URL, and A.B is a test"),
    ])
    func whatIsWrongWithAMixOfURLsIsToldAtItsLine(_ text: String, _ problem: String) {
        let found = problems(text)
        #expect(found.count == 1 && found[0].hasPrefix(problem), "\(found)")
    }

    @Test(arguments: [
        ("users: 7\n", "t.yml:1: users 7"), ("duration: 3s\n", "t.yml:1: duration 3s"),
        ("pause: 1s\n", "t.yml:1: pause 1s"), ("poisson: true\nrate: 5/s\nduration: 5s\n", "t.yml:1: poisson"),
    ])
    func aModelThatNobodyUsesIsRefused(_ text: String, _ where: String) {
        let found = problems(
            text + "scenarios:\n  - target: A.B\n    rate: 5/s\n    duration: 5s\n  - target: A.C\n    users: 3\n")
        let expected = "\(`where`): is for scenarios without a model of their own, and each has one"
        #expect(found.contains(expected), "\(found)")
        // One that uses it is enough.
        #expect(problems("users: 7\nscenarios:\n  - target: A.B\n    users: 3\n  - target: A.C\n").isEmpty)
    }

    @Test func theCommandLinesModelNeedsASomebodyWhoUsesItToo() {
        let found = problems("scenarios:\n  - target: A.B\n    users: 3\n", [("users", "7")])
        #expect(found == ["--users 7: is for scenarios without a model of their own, and each has one"])
    }

    @Test func aWeightIsForASharedModel() {
        let found = problems("scenarios:\n  - target: A.B\n    users: 3\n    weight: 5\n  - target: A.C\n")
        #expect(found == ["t.yml:4: weight 5: is for scenarios that share the run's model, and this one has its own"])
    }

    /// What only the whole plan tells, at the line of the option.
    @Test(arguments: [
        ("target: A.B\nstages: 0s:50\n", "t.yml:2: stages 0s in all: no stage takes any time"),
        ("target: A.B\n\nstages: 10s:0\n", "t.yml:3: stages 0: no stage has a user"),
        ("target: A.B\nstages: 10s:0/s\n", "t.yml:2: stages 0: no arrival ever comes"),
        ("target: A.B\nduration: 10s\nwarm-up: 10s\n", "t.yml:3: warm-up 10s: as long as the whole run"),
        (
            "target: A.B\nduration: 10s\nramp-up: 11s\n",
            "t.yml:3: ramp-up 11s: longer than the run (10s): not all users"
        ),
        (
            "target: A.B\nusers: 1:2\nduration: 10s:1s\nramp-up: 2s\n",
            "t.yml:4: ramp-up 2s: longer than a cycle (1s): not all users"
        ),
        ("target: A.B\nrate: 5/s\nduration: 10s\nramp-up: 11s\n", "t.yml:4: ramp-up 11s: longer than the run (10s)"),
        (
            "target: A.B\nduration: 8000h\nrate: 10000000/s\n",
            "t.yml:3: rate 288000000000000 arrivals: more than 1,000,000,000,000"
        ),
        ("target: A.B\nusers: 5\npoisson: true\n", "t.yml:3: poisson: is for a rate"),
        ("target: http://127.0.0.1/\nthreads: true\n", "t.yml:2: threads: is for tests whose bodies block"),
        ("target: A.B\ndetach: true\n", "t.yml:2: detach: is for a run on agents"),
        ("target: A.B\nset-up: true\n", "t.yml:2: set-up: is for programs"),
        ("command: x\nprecise: true\n", "t.yml:2: precise: is for tests and URLs"),
        ("users: 40000\nthreads: true\ntarget: A.B\n", "t.yml:2: threads with 40000 users: more threads"),
    ])
    func whatThePlanTellsIsToldAtTheLine(_ text: String, _ problem: String) {
        let found = problems(text)
        #expect(found.contains { $0.hasPrefix(problem) }, "\(found)")
    }

    @Test(arguments: [
        ("stages: 0s:50", "t.yml:4: stages 0s in all: no stage takes any time"),
        ("users: 3\n    duration: 1s\n    ramp-up: 2s", "t.yml:6: ramp-up 2s: longer than the run (1s)"),
        ("users: 3\n    poisson: true", "t.yml:5: poisson: is for a rate"),
        ("users: 3\n    pause: 1s", "t.yml:5: pause 1s: is between cycles of users, and there is one"),
        ("poisson: true", "t.yml:4: poisson: is for a scenario with a model of its own"),
        ("rate: 5/s\n    duration: 1s\n    ramp-up: 2s", "t.yml:6: ramp-up 2s: longer than the run (1s)"),
    ])
    func aScenariosProblemsAreToldAtItsLine(_ options: String, _ problem: String) {
        let found = problems("scenarios:\n  - target: A.A\n  - target: A.B\n    \(options)\n")
        #expect(found.contains { $0.hasPrefix(problem) }, "\(found)")
    }

    @Test(arguments: [
        ("target: x\nusers: 1\nusers: 2\n", "t.yml:3: users stands twice"),
        ("a: 1\nusers: 1\n# users: 5\nrate: 2\n\"users\": 2\n", "t.yml:5: users stands twice"),
        ("scenarios:\n  - target: x\n    users: 2\n    users: 3\n", "t.yml:4: users stands twice"),
        ("scenarios:\n  - users: 3\n  - users: 2\n    target: a\n    users: 3\n", "t.yml:5: users stands twice"),
        ("target: x\na: [\n", "t.yml:3: not YAML: "),
    ])
    func whatStandsTwiceIsToldWhereItStandsAgain(_ text: String, _ problem: String) {
        let found = problems(text)
        #expect(found.count == 1 && found[0].hasPrefix(problem), "\(found)")
    }

    @Test(arguments: [("10", false), ("1.5", false), ("0.1", true), ("1", true), ("10%", true), ("250%", true)])
    func aToleranceWithoutPercentIsAShare(_ text: String, _ isOne: Bool) {
        #expect((CheckedOutputs.share(text) != nil) == isOne)
    }
}
