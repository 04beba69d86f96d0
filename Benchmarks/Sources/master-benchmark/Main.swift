import Foundation
import LoadsClient
import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import LoadsZeroMQ

/// A master and its agents: what its work costs, and how late its numbers are.
///
///     swift build -c release --product loads-master
///     swift run -c release --package-path Benchmarks master-benchmark [load|hits|latency|agents|cost] [--agents N]
///         [--seconds S] [--every MS] [--names N] [--url URL]
///
/// The master is a `loads-master` process over ZeroMQ with its data on disk (`--master PATH`, else
/// `.build/release/loads-master`). The agents are simulated in this process, over ZeroMQ as well: their runners exist on
/// paper only; with `agents` they are `loads-agent` processes (`--agent PATH`) that run a Python program. `--every`
/// milliseconds an agent of `load` sends a batch (1000) of `--names` (50). `cost` is that of one `loads-agent` whose runner calls `--url`.
/// CPU is user and system time of the whole master, libzmq's and SQLite's threads included.
@main enum Main {
    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        func option(_ name: String) -> String? {
            guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
            defer { arguments.removeSubrange(place...place + 1) }
            return arguments[place + 1]
        }
        let master = option("--master") ?? ".build/release/loads-master"
        let agent = option("--agent") ?? ".build/release/loads-agent"
        let agents = option("--agents").flatMap { Int($0) }
        let seconds = option("--seconds").flatMap { Double($0) } ?? 20
        let every = option("--every").flatMap { Int($0) }
        let names = option("--names").flatMap { Int($0) }
        let url = option("--url")
        let what = arguments.isEmpty ? ["load", "hits", "latency", "agents"] : arguments
        if what.contains("load") {
            let batches = Batches(names: names ?? 50, hits: 20)
            say("load: batches of \(names ?? 50) names of 20 hits, \(batches.bytes) bytes")
            try await Trial(master).measure(
                Scenario(
                    agents: agents ?? 1000, seconds: seconds, batches: batches,
                    interval: every.map { .milliseconds($0) }), watching: "stats/")
        }
        if what.contains("hits") {
            // A million hits a second.
            let batches = Batches(names: 50, hits: 100, raw: true)
            say("hits: batches of 5,000 hits, \(batches.bytes) bytes")
            try await Trial(master).measure(
                Scenario(agents: agents ?? 20, seconds: seconds, batches: batches, interval: .milliseconds(100)),
                watching: "hits/")
        }
        if what.contains("latency") {
            for agents in agents.map({ [$0] }) ?? [1, 10, 100] {
                say("latency: batches of 50 names of 2 hits, as often as the master wants")
                try await Trial(master).measure(
                    Scenario(agents: agents, seconds: seconds, batches: Batches(names: 50, hits: 2), probes: true),
                    watching: "stats/")
            }
        }
        if what.contains("agents") {
            for agents in agents.map({ [$0] }) ?? [1, 10, 100] {
                try await RealAgents(master: master, agent: agent).measure(agents, seconds: seconds)
            }
        }
        if what.contains("cost") {
            guard let url else { throw Failure("cost: --url URL of a server that is there, please") }
            try await AgentCost(master: master, agent: agent, url: url).measure(seconds: seconds)
        }
        await ZeroMQContext.shared.end()
    }
}
