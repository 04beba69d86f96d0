import Foundation
import TestSupport
import Testing

/// Machines of their own, as network namespaces: a master in one, an agent in another, a wire between them that is cut.
@Suite(.serialized, .enabled(if: getuid() == 0, "network namespaces need root")) struct NetworkTests {
    @Test func aNetworkThatIsCutForTwentySecondsLosesNothing() async throws {
        let network = try await Network()
        let cluster = try await Cluster(keys: true, host: network.masterAddress)
        let master = try await cluster.startMaster(prefix: network.inMaster)
        // The target is the agent's own machine.
        let target = try await network.target(in: cluster.directory)
        let agent = try await cluster.startAgent("a1", prefix: network.inAgent)
        let json = cluster.directory.path + "/summary.json"
        let run = try await cluster.startLoads(
            [
                "run", "http://127.0.0.1:\(target.port)/", "-c", "5", "-d", "35s", "--think", "10ms", "--json", json,
            ], prefix: network.inMaster)
        try await run.wait(for: "requests", timeout: .seconds(60)) { target.served() > 50 }
        try await network.cut()
        try await Task.sleep(for: .seconds(20))
        try await network.mend()
        let outcome = try await run.outcome(timeout: .seconds(120))
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)\(master.errors)\(agent.errors)")
        let hits = try #require(try RunSummary(json).number("hits.requests"))
        // A request is logged after its answer.
        try await target.process.wait(for: "a line for each request") { target.served() >= hits }
        #expect(target.served() == hits)
        await agent.stop()
        await master.stop()
        await target.process.stop()
        await network.remove()
    }

    @Test func beyondLoopbackKeysAreNeeded() async throws {
        let network = try await Network()
        let cluster = try await Cluster(host: network.masterAddress)
        let outcome = try await ChildProcess.run(
            network.inMaster + [
                Cluster.binary("loads-master"), "--control", cluster.address, "--data", cluster.directory.path + "/m",
            ])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("loads keys master"), "\(outcome.errors)")
        await network.remove()
    }
}

/// Two network namespaces with a wire between them.
private struct Network {
    let masterAddress = "10.91.0.1"
    private let name = "loads\(getpid())x\(UInt16.random(in: 0...9999))"
    var inMaster: [String] { ["ip", "netns", "exec", name + "m"] }
    var inAgent: [String] { ["ip", "netns", "exec", name + "a"] }

    init() async throws {
        for command in [
            "ip netns add \(name)m", "ip netns add \(name)a",
            "ip -n \(name)m link add wire type veth peer name wire netns \(name)a",
            "ip -n \(name)m addr add \(masterAddress)/24 dev wire", "ip -n \(name)a addr add 10.91.0.2/24 dev wire",
            "ip -n \(name)m link set wire up", "ip -n \(name)a link set wire up", "ip -n \(name)m link set lo up",
            "ip -n \(name)a link set lo up",
        ] { try await ChildProcess.succeed(command.split(separator: " ").map(String.init)) }
    }

    func cut() async throws { try await ChildProcess.succeed(["ip", "-n", name + "a", "link", "set", "wire", "down"]) }
    func mend() async throws { try await ChildProcess.succeed(["ip", "-n", name + "a", "link", "set", "wire", "up"]) }

    func remove() async {
        for end in ["m", "a"] { _ = try? await ChildProcess.run(["ip", "netns", "del", name + end]) }
    }

    /// An nginx in the agent's namespace that logs each request.
    func target(in directory: TemporaryDirectory) async throws -> Target {
        let folder = directory.path + "/target"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let configuration = try directory.write(
            """
            daemon off; user root; worker_processes 1; pid \(folder)/pid; error_log \(folder)/error.log;
            events { worker_connections 1024; }
            http {
                log_format short '$status'; access_log \(folder)/access.log short;
                client_body_temp_path \(folder)/b; proxy_temp_path \(folder)/p; fastcgi_temp_path \(folder)/f;
                uwsgi_temp_path \(folder)/u; scgi_temp_path \(folder)/s; keepalive_requests 1000000;
                server { listen 127.0.0.1:8080; location / { return 200 "hello"; } }
            }
            """, to: "target.conf")
        let process = try ChildProcess(
            inAgent + ["/usr/sbin/nginx", "-p", folder, "-e", folder + "/error.log", "-c", configuration])
        try await process.wait(for: "answer") {
            (try? await ChildProcess.run(inAgent + ["curl", "-sf", "http://127.0.0.1:8080/"]))?.status == 0
        }
        let target = Target(port: 8080, log: folder + "/access.log", process: process)
        try await process.wait(for: "line for that") { target.served() > 0 }
        try Data().write(to: URL(filePath: target.log))
        return target
    }
}

private struct Target {
    let port: Int
    let log: String
    let process: ChildProcess
    func served() -> Int {
        (FileManager.default.contents(atPath: log) ?? Data()).count { $0 == UInt8(ascii: "\n") }
    }
}
