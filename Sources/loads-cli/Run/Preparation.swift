import Glibc
import LoadsCore
import LoadsPackage
import LoadsReport
import LoadsWire

/// Makes ready what a run starts: the user's tests built and found, the URL runner, or the user's program.
struct Preparation {
    let console: Console

    /// The runner process, and what it is told besides the plan.
    struct Runner {
        var launch: RunnerLaunch
        var scenarios: [String] = []
        var options: [String: [String]] = [:]
        /// The plan of a mix, by the scenarios' own names; nil leaves it as it is.
        var plan: Plan?
        /// Whether it has something to do once before the users and after them.
        var hasSetUp = false

        func order(_ plan: Plan) -> RunnerOrder {
            RunnerOrder(plan: plan, scenarios: scenarios, options: options, hasSetUp: hasSetUp)
        }
    }

    /// - Throws: ``Refusal`` when there is nothing to start.
    func runner(for run: CheckedRun) async throws -> Runner {
        switch run.target {
        case .urls(let requests):
            var runner = urlRunner(requests, run.trust, debug: run.debugRequests)
            // The runner of one URL calls its scenario by that, whatever the mix calls it.
            if run.mix != nil, requests.count == 1 { runner.plan = run.plan { _ in [requests[0].shownURL] } }
            return runner
        case .command(let words):
            return Runner(
                launch: RunnerLaunch(
                    program: .path(words[0]), arguments: Array(words.dropFirst()), environment: run.environment,
                    dialect: .lines), hasSetUp: run.hasSetUp)
        case .tests(let names):
            let (package, tests) = try await tests(of: run.package, for: names, environment: run.environment)
            do {
                let matcher = TargetMatcher(tests: tests)
                let wanted = try matcher.match(names)
                let (plain, scenarios) = try package.launch(for: wanted)
                var launch = plain
                launch.environment.merge(run.environment) { own, _ in own }
                var runner = Runner(
                    launch: launch, scenarios: scenarios, options: run.debugRequests ? ["debug": ["1"]] : [:],
                    hasSetUp: wanted.contains { $0.setUp == true })
                if run.mix != nil {
                    runner.plan = run.plan { target in ((try? matcher.match([target])) ?? []).map(\.id) }
                }
                return runner
            } catch {
                throw Refusal(code: error.exitCode, message: error.message)
            }
        }
    }

    /// Builds a package's tests and lists them.
    ///
    /// - Parameters:
    ///   - targets: What is wanted of them: nothing is built for the first time for what cannot be there.
    ///   - environment: What their conditions may ask for.
    func tests(
        of path: String, for targets: [String] = [], environment: [String: String] = [:]
    ) async throws -> (package: TestPackage, tests: [TestEntry]) {
        do throws(PackageError) {
            let package = try TestPackage(path: path)
            if !targets.isEmpty { try await package.refuseUnknownModules(of: targets) }
            console.progress("building the tests of \(package.path) (release, in .build-loads)")
            try await package.build { [console] line in
                guard console.hasBar else { return }
                console.bar { style in style.fitted("  " + line) }
            }
            console.clearBar()
            return (package, try await package.list(environment: environment))
        } catch {
            console.clearBar()
            throw Refusal(code: error.exitCode, message: error.message)
        }
    }

    private func urlRunner(_ requests: [CheckedRun.URLRequest], _ trust: ServerTrust, debug: Bool) -> Runner {
        var runner = Runner(launch: RunnerLaunch(program: .builtIn("url")))
        // A runner that knows one URL finds none in an order of several.
        if requests.count > 1 { runner.scenarios = requests.map(\.label) }
        for (index, request) in requests.enumerated() {
            let suffix = requests.count > 1 ? ".\(index)" : ""
            runner.options["url" + suffix] = [request.url]
            runner.options["method" + suffix] = [request.method]
            runner.options["header" + suffix] = request.headers
            if let body = request.body { runner.options["body" + suffix] = [body] }
            if let name = request.name { runner.options["name" + suffix] = [name] }
        }
        if trust.isInsecure { runner.options["insecure"] = ["1"] }
        if !trust.authorities.isEmpty { runner.options["ca"] = trust.authorities }
        if debug { runner.options["debug"] = ["1"] }
        return runner
    }
}
