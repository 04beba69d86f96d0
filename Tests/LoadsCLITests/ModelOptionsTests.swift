import ArgumentParser
import LoadsCore
import Testing

@testable import loads_cli

@Suite struct ModelOptionsTests {
    private func parse(_ line: String) throws -> CheckedRun {
        let command = try #require(
            try Loads.parseAsRoot(Loads.expanded(line.split(separator: " ").map(String.init))) as? RunCommand)
        return try command.options.request()
    }

    private func problems(_ line: String) -> [String] {
        do {
            _ = try parse(line)
            return []
        } catch {
            return (error as? UsageError)?.problems ?? ["\(error)"]
        }
    }

    @Test func aRateIsConstant() throws {
        let plan = try parse("A.B --rate 500/s -d 10s").plan
        let arrivals = try #require(plan.arrivals)
        #expect(arrivals.schedule.total == 5000 && arrivals.length == .seconds(10))
        #expect(arrivals.maxUsers == 5000 && arrivals.queue == 5000 && !arrivals.poisson)
        #expect(try parse("A.B --rate 0.5/s -d 1m").plan.arrivals?.schedule.total == 30)
        #expect(try parse("A.B --rate 7/m -d 1m").plan.arrivals?.schedule.total == 7)
        #expect(try parse("A.B --rate 20/h -d 1h").plan.arrivals?.maxUsers == 10)
    }

    @Test func aRateTakesItsOptions() throws {
        let plan = try parse(
            "A.B --rate 100/s -d 10s --ramp-up 4s --max-users 7 --queue 0 --poisson --precise --warm-up 2s"
        ).plan
        let arrivals = try #require(plan.arrivals)
        // A triangle of 4 s and 6 s in full.
        #expect(arrivals.schedule.total == 800)
        #expect(arrivals.maxUsers == 7 && arrivals.queue == 0 && arrivals.poisson)
        #expect(plan.precise && plan.warmUp == .seconds(2) && plan.rampUp == .zero)
    }

    @Test func stagesAreUsersOrRates() throws {
        let users = try parse("A.B --stages 30s:50,2m:50,0s:500,10s:500,10s:0").plan.model
        #expect(
            users
                == .users(
                    UserStages(stages: [
                        UserStage(duration: .seconds(30), users: 50), UserStage(duration: .seconds(120), users: 50),
                        UserStage(duration: .zero, users: 500), UserStage(duration: .seconds(10), users: 500),
                        UserStage(duration: .seconds(10), users: 0),
                    ])))
        let rates = try #require(try parse("A.B --stages 30s:500/s,2m:500/s,10s:0").plan.arrivals)
        #expect(rates.stages.map(\.rate) == [.perSecond(500), .perSecond(500), .zero])
        #expect(rates.schedule.total == 7500 + 60_000 + 2500)
    }

    @Test func stagesRepeat() throws {
        let arrivals = try #require(try parse("A.B --stages 1s:10/s,1s:0 --repeat 3").plan.arrivals)
        #expect(arrivals.stages.count == 6 && arrivals.length == .seconds(6) && arrivals.schedule.total == 30)
    }

    @Test func thinkTimesAndPacing() throws {
        let plan = try parse("A.B -c 3 -d 10s --think uniform(1s,3s) --pacing 5s").plan
        #expect(plan.think == .uniform(.seconds(1), .seconds(3)) && plan.pacing == .seconds(5))
    }

    @Test(arguments: [
        ("--rate 500/s", "--rate 500/s: never ends: say for how long (-d 1m)"),
        ("--rate 500/s -d 1m -c 5", "users and a rate exclude each other"),
        (
            "--rate 500/s -d 1m -n 5",
            "--iterations 5: a number of iterations is for each user; --rate ends with its time"
        ),
        ("--rate -5/s -d 1m", "a rate is not negative"), ("--rate 0 -d 1m", "nothing would ever start"),
        ("--rate 99999999/s -d 1m", "more than 10,000,000 a second"), ("--rate many -d 1m", "not a rate (try 500/s"),
        ("--rate 500/s -d 1m --think 1s", "with a rate no user waits"),
        ("--rate 500/s -d 1m --ramp-up 2m", "longer than the run"),
        ("--rate 500/s --stages 10s:5", "exclude each other: give the stages rates"),
        ("--stages 10s:5 -c 5", "users and stages exclude each other"), ("--stages 10s:5 -n 5", "ends with its time"),
        ("--stages 10s:5 -d 5s", "--duration 5s: the stages have their own times"),
        ("--stages 10s:5 --max-users 5", "--max-users 5: is for a rate"),
        ("--stages 10s:5 --poisson", "--poisson: is for a rate"),
        ("--stages 10s:5,5", "5 is no stage (try 30s:50"), ("--stages 10:5", "the unit is missing"),
        ("--stages 10s:5/s,5s:7", "7 is no rate, as others are (try 7/s)"), ("--stages 10s:-5", "must be at least 0"),
        ("--stages 0s:5", "no stage takes any time"), ("--stages 10s:0", "no stage has a user"),
        ("--stages 10s:0/s", "no arrival ever comes"), ("--stages 10s:5 --repeat 0", "must be at least 1"),
        ("--stages 10s:5 --repeat 99999", "at most 10000"), ("-c 5 --repeat 3", "--repeat 3: is for --stages"),
        ("-c 5 --queue 3", "--queue 3: is for a rate"),
        ("--rate 5/s -d 1m --queue -1", "--queue -1: must be at least 0"),
        ("-c 5 -d 10s --warm-up 10s", "as long as the whole run"),
        ("-c 5 --think uniform(3s,1s)", "the first time is longer than the second"),
        ("-c 5 --think sometimes(1s)", "not a think time"), ("--rate 5/s -d 1m --max-users 0", "must be at least 1"),
    ])
    func contradictionsAreToldBeforeAnythingStarts(_ options: String, _ problem: String) {
        let found = problems("A.B \(options)")
        #expect(found.contains { $0.contains(problem) }, "\(found)")
    }

    @Test func programsAreToldTheirModelToo() throws {
        // Whether the program knows it is the program's to say, once it runs.
        let command = ["--rate", "5/s", "-d", "1m", "--warm-up", "2s", "--", "node", "x.mjs"].joined(separator: " ")
        #expect(problems(command).isEmpty)
    }

    @Test func theCommandLinesModelSetsTheFilesAside() throws {
        let file = try ConfigurationFile(
            text: "rate: 500/s\nduration: 1m\nmax-users: 7\npoisson: true\nwarm-up: 1s\n", path: "loads.yml")
        var line = Settings()
        line.add("target", "A.B", label: "target")
        line.add("users", "3", label: "--users")
        line.add("iterations", "5", label: "--iterations")
        let plan = try CheckedRun(line.over(file.settings)).plan
        #expect(plan.cycles == [.init(users: 3, amount: .iterations(5))] && plan.warmUp == .seconds(1))
        var faster = Settings()
        faster.add("target", "A.B", label: "target")
        faster.add("rate", "1000/s", label: "--rate")
        let arrivals = try #require(try CheckedRun(faster.over(file.settings)).plan.arrivals)
        #expect(arrivals.schedule.total == 60_000 && arrivals.maxUsers == 7 && arrivals.poisson)
    }

    @Test func aFilesModelIsJudgedAtItsLine() throws {
        let file = try ConfigurationFile(text: "target: A.B\nrate: 500/s\nusers: 5\nduration: 1m\n", path: "loads.yml")
        do {
            _ = try CheckedRun(file.settings)
            Issue.record("taken")
        } catch {
            #expect(
                error.problems == [
                    "loads.yml:3: users 5: users and a rate exclude each other: with a rate users are made as needed (--max-users bounds them)"
                ])
        }
    }
}
