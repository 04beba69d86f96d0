import Foundation
import LoadsCore
import LoadsWire

/// The runner of the tests: an executable of the package, built beside the test binary.
enum Fixtures {
    static let executable: String = {
        // The helper that runs the tests has the bundle mapped; its own path says nothing.
        let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
        let bundle = maps.split(separator: "\n").first { $0.hasSuffix(".xctest") }
        let path = bundle.flatMap { line in line.firstIndex(of: "/").map { String(line[$0...]) } } ?? "/"
        return URL(filePath: path).deletingLastPathComponent().appending(path: "FixtureRunner").path
    }()

    /// A file that does not exist yet, for the number of a runner's process.
    static func processFile() -> String {
        FileManager.default.temporaryDirectory.appending(path: "loads-\(UUID().uuidString)").path
    }

    static func order(
        _ mode: String, users: Int = 4, iterations: Int = 25, options: [String: [String]] = [:], raw: Bool = false
    ) -> AgentOrder {
        var plan = Plan(cycles: [.init(users: users, amount: .iterations(iterations))])
        plan.rawHits = raw
        plan.loops = 1
        plan.grace = .zero
        return AgentOrder(
            run: "run-1", launch: RunnerLaunch(executable: executable, arguments: [mode]),
            order: RunnerOrder(plan: plan, options: options))
    }
}
