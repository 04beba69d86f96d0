import ArgumentParser
import LoadsCore
import LoadsWire
import TestSupport
import Testing

@testable import loads_cli

@Suite struct CommandLineTests {
    private func parse(_ line: String) throws -> CheckedRun {
        try parse(line.split(separator: " ").map(String.init))
    }

    private func parse(_ arguments: [String]) throws -> CheckedRun {
        let command = try #require(try Loads.parseAsRoot(Loads.expanded(arguments)) as? RunCommand)
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

    @Test func aTestAloneRunsOnce() throws {
        let run = try parse("BlogTests.TestWebSite/something")
        #expect(run.target == .tests(["BlogTests.TestWebSite/something"]))
        #expect(run.plan == Plan(cycles: [.init(users: 1, amount: .iterations(1))]))
        #expect(run.package == ".")
    }

    @Test func takesEveryOptionOfTests() throws {
        let run = try parse(
            """
            A.B/c D.E -c 10:20 -n 5:7 --pause 1s --ramp-up 2s --think 500ms --grace 0 --package P \
            --server-url http://127.0.0.1:8080 --timeout 3s --loops 2 --threads --new-connections --max-names 7 \
            --json j --stream s --quiet --no-color --debug-requests --env A=b=c --env D= --seed 17
            """)
        var plan = Plan(cycles: [.init(users: 10, amount: .iterations(5)), .init(users: 20, amount: .iterations(7))])
        plan.pause = .seconds(1)
        plan.rampUp = .seconds(2)
        plan.think = .milliseconds(500)
        plan.grace = .zero
        plan.serverURL = "http://127.0.0.1:8080"
        plan.timeout = .seconds(3)
        plan.loops = 2
        plan.threads = true
        plan.newConnections = true
        plan.maxNames = 7
        plan.rawHits = true
        plan.seed = 17
        #expect(run.plan == plan && !run.drawsSeed)
        #expect(run.environment == ["A": "b=c", "D": ""])
        #expect(run.target == .tests(["A.B/c", "D.E"]))
        #expect(run.package == "P")
        #expect(run.outputs.files[.json] == "j")
        #expect(run.outputs.files[.stream] == "s")
        #expect(run.quiet)
        #expect(run.color == false)
        #expect(run.debugRequests)
    }

    @Test func takesEveryOptionOfAURL() throws {
        let run = try parse([
            "http://127.0.0.1:8080/x?y=1", "-c", "50", "-d", "10s", "--method", "PUT", "--header", "A: b", "--header",
            "C: d",
            "--body", "text", "--name", "n",
        ])
        #expect(
            run.target
                == .urls([
                    .init(
                        url: "http://127.0.0.1:8080/x?y=1", method: "PUT", headers: ["A: b", "C: d"], body: "text",
                        name: "n")
                ]))
        #expect(run.plan.cycles == [.init(users: 50, amount: .duration(.seconds(10)))])
        #expect(run.targetText == "PUT http://127.0.0.1:8080/x?y=1")
    }

    @Test func aURLsPasswordStandsInNoName() throws {
        let run = try parse("http://u:sekret@h/ http://u:sek:ret@h/b?c@d --method PUT")
        #expect(run.targetText == "PUT http://u:***@h/ PUT http://u:***@h/b?c@d")
        guard case .urls(let requests) = run.target else { return #expect(run.isURL) }
        #expect(requests.map(\.label) == ["PUT http://u:***@h/", "PUT http://u:***@h/b?c@d"])
        #expect(requests.map(\.url) == ["http://u:sekret@h/", "http://u:sek:ret@h/b?c@d"])
        #expect(try parse("http://u@h:80/x:y@z").targetText == "http://u@h:80/x:y@z")
    }

    @Test func takesAuthoritiesOfURLs() throws {
        let directory = try TemporaryDirectory()
        let (one, other) = (Self.certificate("MAA="), Self.certificate("MAEA"))
        let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"
        let file = try directory.write("# ours\n\(one)\n\(key)\n\(other)\n", to: "ca.pem")
        // The key stays where it is.
        #expect(try parse("https://h/ https://h/b --ca \(file)").trust.authorities == [one, other])
        #expect(try parse("https://h/").trust == ServerTrust())
        #expect(try parse("https://h/ --insecure").trust.isInsecure)
        #expect(try !parse("https://h/ --insecure --no-insecure").trust.isInsecure)
        #expect(
            problems("https://h/ --insecure --ca \(file)") == [
                "--insecure and --ca \(file) exclude each other: certificates are verified or not"
            ])
    }

    @Test(arguments: brokenAuthorities)
    func saysWhatIsWrongWithAuthorities(_ text: String, _ problem: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(text, to: "ca.pem")
        #expect(problems("https://h/ --ca \(file)") == ["--ca \(file): \(problem)"])
    }

    private static let brokenAuthorities: [(String, String)] = [
        ("\(certificate("MAA="))\n-----BEGIN CERTIFICATE-----\nMAA", "certificate 2 of it is not whole"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n\(certificate("MAA="))", "certificate 1 of it is not whole"),
        (certificate("hello"), "certificate 1 of it is not whole"),
        (longCertificate(40_000), "certificate 1 of it is longer than 32768 bytes"),
        (
            String(repeating: longCertificate(30_000), count: 40),
            "more than 1048576 bytes of certificates: leave those that the servers need"
        ),
    ]

    private static func certificate(_ body: String) -> String {
        "-----BEGIN CERTIFICATE-----\n\(body)\n-----END CERTIFICATE-----"
    }

    private static func longCertificate(_ length: Int) -> String {
        certificate("MAAA" + String(repeating: "A", count: length))
    }

    @Test func whatStandsBehindTheDashesIsAProgram() throws {
        let run = try parse("-c 10 -n 5 --think 1s --server-url http://h --json j -- node a.mjs -c 3 --json -- x")
        #expect(run.target == .command(["node", "a.mjs", "-c", "3", "--json", "--", "x"]))
        #expect(run.plan.cycles == [.init(users: 10, amount: .iterations(5))])
        #expect(
            run.plan.think == .seconds(1) && run.plan.serverURL == "http://h" && run.outputs.files[.json] == "j"
                && !run.isURL)
        #expect(try parse(["--", "./a b", "it's", ""]).targetText == #"'./a b' 'it'\''s' ''"#)
    }

    @Test(arguments: [
        ("A.B -- node x", "A.B: a run has one target"), ("http://h/ -- node", "http://h/: a run has one target"),
        ("--method PUT -- node", "--method PUT: is for a URL"), ("--header A:b -- node", "--header A:b: is for a URL"),
        ("--package P -- node", "--package P: is for tests"), ("--loops 2 -- node", "--loops 2: is for tests"),
        ("--threads -- node", "--threads: is for tests"), ("--insecure -- node", "--insecure: is for a URL"),
        ("--ca f -- node", "--ca f: is for a URL, and node is a program"),
        ("--debug-requests -- node", "--debug-requests: is for tests"),
    ])
    func refusesWhatIsNotForPrograms(line: String, problem: String) {
        let problems = problems(line)
        #expect(problems.count == 1 && problems[0].hasPrefix(problem), "\(problems)")
    }

    @Test func aLabelHasOneValue() throws {
        #expect(try parse("A.B --master tcp://h:1 --label a=b --label a=b").remote?.placement.labels == ["a": "b"])
        let problems = problems("A.B --master tcp://h:1 --label zone=two --label zone=one")
        #expect(problems.count == 1 && problems[0].hasPrefix("--label zone=one: an agent has one zone"), "\(problems)")
    }

    @Test func keysAreForANetwork() throws {
        let problems = problems("A.B --keys k")
        #expect(problems.count == 1 && problems[0].hasPrefix("--keys k: is for a run on agents"), "\(problems)")
        #expect(try parse("A.B --keys k --stream tcp://127.0.0.1:7782").keys == "k")
        #expect(try parse("A.B --keys k --master tcp://h:1").remote?.keys == "k")
    }

    @Test func aHintFindsTheSameMaster() {
        #expect(MasterAddress.words(MasterAddress.standard, keys: nil) == "")
        #expect(MasterAddress.words("tcp://h:1", keys: "my keys") == " --master tcp://h:1 --keys 'my keys'")
    }

    @Test func aBodyMakesAPost() throws {
        guard case .urls(let requests) = try parse("http://h/ --body x").target else { return }
        #expect(requests.map(\.method) == ["POST"])
    }

    @Test func hitsIsAnotherNameOfIterations() throws {
        #expect(try parse("A.B --hits 4").plan.cycles[0].amount == .iterations(4))
    }

    @Test func theLastAmountRepeatsOverTheCycles() throws {
        #expect(
            try parse("A.B -c 10:20:30 -d 1s:2s").plan.cycles == [
                .init(users: 10, amount: .duration(.seconds(1))), .init(users: 20, amount: .duration(.seconds(2))),
                .init(users: 30, amount: .duration(.seconds(2))),
            ])
    }

    @Test func usersOfSeveralCyclesAreNotRedistributed() {
        let found = problems("A.B -c 10:20 --master tcp://127.0.0.1:7780 --on-lost redistribute")
        #expect(found.count == 1 && found[0].hasPrefix("--on-lost redistribute: cannot be with several cycles"))
        #expect(problems("A.B -c 10 --master tcp://127.0.0.1:7780 --on-lost redistribute") == [])
        #expect(problems("A.B -c 10:20 --master tcp://127.0.0.1:7780 --on-lost stop") == [])
    }

    @Test(arguments: [
        ("A.B --duration 10x", "--duration 10x: not a duration (try 10s, 2m, 1h30m)"),
        ("A.B -d 10", "--duration 10: not a duration, the unit is missing (try 10s, 2m, 1h30m)"),
        ("A.B -d 0s", "--duration 0s: must be longer than nothing (try 10s, 2m, 1h30m)"),
        ("A.B --think -1s", "--think -1s: not a duration (try 10s, 2m, 1h30m)"),
        ("A.B -c 0", "--users 0: must be at least 1"),
        ("A.B -c -3", "--users -3: must be at least 1"),
        ("A.B -c 10:x", "--users 10:x: not a whole number (try 10)"),
        ("A.B -c 10:", "--users 10:: not a whole number (try 10)"),
        ("A.B -c 1.5", "--users 1.5: not a whole number (try 10)"),
        ("A.B -n 0", "--iterations 0: must be at least 1"),
        ("A.B -n 99999999999999999999", "--iterations 99999999999999999999: at most 1000000000000"),
        ("A.B -n 1:2", "--iterations 1:2: 2 cycles, but --users 1 has 1 (try -c 1:1)"),
        ("A.B -c 5 --pause 1s", "--pause 1s: is between cycles of users, and there is one (try -c 10:20)"),
        ("A.B --env A", "--env A: not a variable (try NAME=VALUE)"),
        ("A.B --env =b", "--env : not a variable (try NAME=VALUE)"),
        ("A.B --env LOADS_X=secret", "--env LOADS_X: variables that begin with LOADS_ are set by Loads itself"),
        ("http://h/ --env A=secret", "--env: is for tests and programs, and http://h/ is a URL"),
        ("A.B --seed 0", "--seed 0: must be at least 1"),
        ("A.B --loops 0", "--loops 0: must be at least 1"),
        ("A.B --timeout 0s", "--timeout 0s: must be longer than nothing (try 10s, 2m, 1h30m)"),
        ("A.B -n 1 -d 1s", "--iterations 1 and --duration 1s exclude each other: say how often or how long"),
        ("A.B --method GET", "--method GET: is for a URL, and A.B is a test"),
        ("A.B --insecure", "--insecure: is for a URL, and A.B is a test"),
        ("A.B --ca f", "--ca f: is for a URL, and A.B is a test"),
        ("https://h/ --ca /nowhere", "--ca /nowhere: cannot be read (is it there? may you read it?)"),
        (
            "https://h/ --ca /etc/passwd",
            "--ca /etc/passwd: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
        ),
        ("http://h/ --header Content-Length:5", "--header Content-Length:5: Loads sends it itself, by the body"),
        (
            "http://h/ --header transfer-encoding:chunked",
            "--header transfer-encoding:chunked: Loads sends it itself, by the body"
        ),
        ("http://h/ --package P", "--package P: is for tests, and http://h/ is a URL"),
        ("http://h/ A.B", "http://h/ is a URL, and A.B a test: the targets of a run are one or the other"),
        ("http://h/ http://h/a http://h/", "http://h/: stands twice (a file gives targets weights)"),
        ("http://u:p@h/ http://u:p@h/", "http://u:***@h/: stands twice (a file gives targets weights)"),
        ("http://u:p@h:x/", "http://u:***@h:x/: not a URL: x is no port (1 to 65535)"),
        ("http://h/ http://h/a --name n", "--name n: is for one URL, and there are 2"),
        ("http:///x", "http:///x: not a URL: the host is missing (try http://127.0.0.1:8080/)"),
        ("ftp://h/", "ftp://h/: only http and https URLs can be loaded"),
        ("http://h:70000/", "http://h:70000/: not a URL: 70000 is no port (1 to 65535)"),
        ("http://::1/", "http://::1/: not a URL: an IPv6 address stands in brackets, http://[::1]:8080/"),
        ("http://h/ --header bad", "--header bad: not a header (try \"Accept: text/html\")"),
        ("http://h/ --method (", "--method (: not a method (try POST)"),
        ("A.B --server-url here", "--server-url here: not a URL (try http://127.0.0.1:8080/)"),
        ("A.B --json f --stream f", "--json and --stream both write to f: give them files of their own"),
        ("127.0.0.1:8080/", "127.0.0.1:8080/: a URL begins with its scheme (try http://127.0.0.1:8080/)"),
        ("localhost:8080", "localhost:8080: a URL begins with its scheme (try http://localhost:8080)"),
        (
            "",
            "no target: name a test (Module.Suite/test) or a URL, or a program behind --; `loads list` shows the tests"
        ),
    ])
    func saysWhatIsWrong(_ line: String, _ problem: String) {
        #expect(problems(line) == [problem])
    }

    @Test func takesThresholds() throws {
        let run = try parse(["http://h/", "--expect", "p95 < 200ms", "--expect", "last(metric t) > -5", "--strict"])
        #expect(run.thresholds.map(\.expression) == ["p95 < 200ms", "last(metric t) > -5"])
        #expect(run.strict)
        #expect(try parse("http://h/").thresholds.isEmpty)
        #expect(!(try parse("http://h/").strict))
    }

    @Test func pointsAtTheCharacterOfAThreshold() throws {
        do {
            _ = try parse(["http://h/", "--expect", "p95 << 200ms", "--expect", "errors < 1"])
            Issue.record("taken")
        } catch let error as UsageError {
            #expect(
                error.problems == [
                    "--expect: << is no comparison (<, <=, >, >=, ==)\n    p95 << 200ms\n        ^"
                ])
        }
    }

    @Test func saysEverythingThatIsWrongAtOnce() {
        #expect(problems("-c 0 -d 10x --loops a --max-names 0 http://").count == 5)
    }

    @Test(arguments: ["http://127.0.0.1", "https://[::1]:8443/a?b#c", "http://user:pass@host:1/", "HTTP://h/"])
    func takesURLs(_ url: String) { #expect(WebAddress.problem(with: url) == nil) }

    @Test(arguments: [
        "localhost", "localhost/a", "127.0.0.1", "10.0.0.1/x?y=z", "[::1]:80/", "example.org:443", "example.org/",
        "h:1/a",
    ])
    func aURLWithoutItsSchemeIsNoTest(_ target: String) { #expect(WebAddress.lacksScheme(target)) }

    @Test(arguments: [
        "BlogTests.TestWebSite/something", "BlogTests", "A.B/c(item:)", "A.B/c(items:count:)", "BlogTests/free()",
        "http://h/", "A.`a raw name`", "1.2.3", "localhosts", "",
    ])
    func aTestIsNoURL(_ target: String) { #expect(!WebAddress.lacksScheme(target)) }

    @Test func optionsThatDoNotExistAreWrongUsage() {
        let error = #expect(throws: (any Error).self) { try Loads.parseAsRoot(["A.B", "--bogus"]) }
        #expect(error.map { Loads.exitCode(for: $0).rawValue } == 64)
    }
}
