import ArgumentParser
import LoadsCore
import Testing

@testable import loads_cli

@Suite struct ConfigurationFileTests {
    private func read(_ text: String) throws -> ConfigurationFile {
        try ConfigurationFile(text: text, path: "loads.yml")
    }

    private func run(_ text: String, _ own: [(String, String)] = []) throws -> CheckedRun {
        var settings = Settings()
        for (name, value) in own { settings.add(name, value, label: "--\(name)") }
        return try CheckedRun(settings.over(read(text).settings))
    }

    @Test func everyOptionStandsUnderItsName() throws {
        let run = try run(
            """
            target: [BlogTests.TestWebSite/something, BlogTests.Other]
            users: 10:20:30   # YAML 1.1 would make a number of base 60 of it
            iterations: 5
            ramp-up: 2s
            threads: true
            no-color: yes
            json: "out.json"
            """)
        #expect(run.target == .tests(["BlogTests.TestWebSite/something", "BlogTests.Other"]))
        #expect(run.plan.cycles.map(\.users) == [10, 20, 30])
        #expect(run.plan.cycles.map(\.amount) == [.iterations(5), .iterations(5), .iterations(5)])
        #expect(run.plan.rampUp == .seconds(2))
        #expect(run.plan.threads)
        #expect(run.color == false)
        #expect(run.outputs.files[.json] == "out.json")
    }

    @Test func anOptionStandsOnceWhateverItIsCalled() throws {
        let problems = try read("target: A.B\nusers: 5\nc: 6\n").problems
        #expect(problems == ["loads.yml:3: c: stands twice (loads.yml:2: users)"])
    }

    @Test func everyOptionOfTheCommandLineIsKnown() {
        let help = RunCommand.helpMessage(columns: 500)
        let documented = help.matches(of: #/--([a-z-]+)/#).map { String($0.1) }
        let file = Set(Settings.options.keys).union(Settings.aliases.keys)
        // The positive or negative twin of a flag, and what has no place in a file.
        let twins = documented.filter { $0.hasPrefix("no-") && file.contains(String($0.dropFirst(3))) } + ["color"]
        let rest = Set(documented).subtracting(file).subtracting(twins).subtracting(["config", "help", "version"])
        #expect(rest.isEmpty)
        #expect(file.subtracting(documented) == ["target"])
    }

    @Test func thresholdsAreAListWithTheirLines() throws {
        let run = try run("target: http://h/\nexpect:\n  - p95 < 200ms\n  - errors < 1% over 10s abort\nstrict: true")
        #expect(run.thresholds.map(\.expression) == ["p95 < 200ms", "errors < 1% over 10s abort"])
        #expect(run.strict)
        #expect(try self.run("target: http://h/\nexpect: rate > 3/s").thresholds.count == 1)
        do {
            _ = try self.run("target: http://h/\nexpect:\n  - p95 < 200ms\n  - p95 < 200")
            Issue.record("taken")
        } catch let error as UsageError {
            #expect(
                error.problems == [
                    "loads.yml:4: expect: the unit is missing (try 200ms)\n    p95 < 200\n             ^"
                ])
        }
    }

    @Test func partsOfAValueMayBeAListAndLettersAreThoseOfTheCommandLine() throws {
        let cycles = try run("target: A.B\nc: [1, 2]\nn: 3")
        #expect(cycles.plan.cycles.map(\.users) == [1, 2])
        #expect(cycles.plan.cycles[0].amount == .iterations(3))
        let stages = try run("target: A.B\nstages:\n  - 30s:50\n  - 10s:0")
        #expect(stages.plan == (try run("target: A.B\nstages: 30s:50,10s:0").plan))
    }

    @Test func theCommandLineWins() throws {
        let run = try run("target: A.B\nusers: 3\nthink: 1s", [("users", "7")])
        #expect(run.plan.peakUsers == 7)
        #expect(run.plan.think == .seconds(1))
    }

    @Test func aDurationOfTheCommandLineSetsTheFilesIterationsAside() throws {
        let run = try run("target: A.B\niterations: 3", [("duration", "7s")])
        #expect(run.plan.cycles[0].amount == .duration(.seconds(7)))
    }

    @Test(arguments: [
        ("users: 1\nusr: 2", "loads.yml:2: usr: no such option; did you mean users?"),
        ("zzzzzzzz: 2", "loads.yml:1: zzzzzzzz: no such option (`loads help run` lists them)"),
        ("\nthink: [1s, 2s]", "loads.yml:2: think: one value expected"),
        ("users: [1, {a: 2}]", "loads.yml:1: users: one value expected in each line of the list"),
        ("threads: maybe", "loads.yml:1: threads maybe: not a yes or no (try true or false)"),
        ("threads: {a: 1}", "loads.yml:1: threads: true or false expected"),
        ("header:\n  - {a: b}", "loads.yml:2: header: text expected"),
        ("users:", "loads.yml:1: users: a value is missing"),
        ("- users", "loads.yml:1: not a list of options (try `users: 10`)"),
    ])
    func saysWhatIsWrongAndWhere(_ text: String, _ problem: String) throws {
        #expect(try read(text).problems == [problem])
    }

    @Test func judgesTheFilesValuesWithTheirLine() {
        let error = #expect(throws: UsageError.self) { try run("target: A.B\n\nusers: many\nduration: 5") }
        #expect(
            error?.problems == [
                "loads.yml:3: users many: not a whole number (try 10)",
                "loads.yml:4: duration 5: not a duration, the unit is missing (try 10s, 2m, 1h30m)",
            ])
    }

    @Test(arguments: ["users: [", "users: 1\nusers: 2", "a: b: c", "\tx: 1"])
    func saysTheLineOfWhatIsNotYAML(_ text: String) {
        let error = #expect(throws: UsageError.self) { try read(text) }
        #expect(error?.problems.first?.contains(#/^loads.yml:\d+: /#) == true)
    }

    @Test(arguments: ["", "# nothing\n"])
    func anEmptyFileSaysNothing(_ text: String) throws {
        #expect(try read(text).problems.isEmpty)
    }
}
