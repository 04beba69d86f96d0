import Glibc
import LoadsTestServer
import TestSupport
import Testing

@Suite struct TestServerTests {
    private func curl(_ arguments: String...) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(["curl", "-sS", "--max-time", "50"] + arguments)
    }

    @Test func servesAndCounts() async throws {
        let server = try TestServer(loops: 2)
        for path in [
            "/", "/", "/delay/1", "/drip/5/1", "/slow-headers/1", "/mixed/1:1", "/bytes/1000000", "/chunked/100",
        ] {
            let outcome = try await curl("-f", server.url + path)
            #expect(outcome.status == 0, "\(path): \(outcome.errors)")
            #expect(!outcome.output.isEmpty)
        }
        let counts = server.counts
        #expect(counts.requests == 8 && server.requests == 8)
        #expect(counts.paths["/"] == 2)
        #expect(counts.connections == 8)
        #expect(counts.bytesSent > 1_000_000)
        #expect(counts.abandoned == 0)
        #expect(try await curl(server.url + "/counts").output.contains(#""/":2"#))
        await server.stop()
        await server.stop()
        #expect(!Ports.answers(server.port))
    }

    @Test func keepsConnectionsAndTakesBodies() async throws {
        let server = try TestServer()
        let url = server.url
        let outcome = try await curl(
            url + "/", url + "/chunked/3", url + "/status/204", "-I", url + "/", "--next", "-sS", "-d",
            #"{"user":"t"}"#,
            url + "/login", url + "/echo", "--next", "-sS", "-T", "/dev/null", url + "/upload")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(server.counts.connections == 1)
        let echo = try await curl(
            "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-d", "some text", url + "/echo")
        #expect(echo.output.contains(#""body":"some text""#))
        await server.stop()
    }

    @Test(arguments: [
        ("/close", 52), ("/reset", 56), ("/close-mid-body", 18), ("/close-mid-chunk", 18), ("/half-header", 0),
        ("/garbage", 1),
        ("/bad-length", 8), ("/bad-chunk", 56), ("/never", 28), ("/early/413", 0), ("/endless", 63),
    ])
    func faultsLookToCurlLikeTheirName(path: String, status: Int32) async throws {
        let server = try TestServer()
        // Half a second only where it is that which ends it: otherwise a curl that is kept waiting would see no fault.
        let time = ["/never", "/endless"].contains(path) ? "0.5" : "50"
        let outcome = try await curl(
            "--max-time", time, "--max-filesize", "100000000", "-o", "/dev/null", server.url + path)
        // What curl makes of an endless body depends on who is first, its limit or its clock.
        if path == "/endless" {
            #expect(outcome.status == 28 || outcome.status == 63)
        } else {
            #expect(outcome.status == status, "\(path) \(outcome.errors)")
        }
        await server.stop()
    }

    @Test func noticesClientsThatGoAway() async throws {
        let server = try TestServer()
        let client = try ChildProcess(["curl", "-sS", server.url + "/never"])
        try await client.wait(for: "request") { server.requests == 1 }
        client.kill()
        for _ in 0..<6_000 where server.counts.abandoned == 0 || server.counts.open > 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(server.counts.abandoned == 1)
        #expect(server.counts.open == 0)
        _ = try await client.outcome()
        await server.stop()
    }

    @Test func aPortInUseIsSaidSo() async throws {
        let server = try TestServer()
        let error = #expect(throws: TestServerError.self) { try TestServer(port: server.port) }
        #expect(error?.message.contains("127.0.0.1 port \(server.port) is in use") == true)
        #expect(throws: TestServerError.self) { try TestServer(port: 70_000) }
        #expect(throws: TestServerError.self) { try TestServer(host: "nowhere") }
        await server.stop()
    }

    @Test func listensOnIPv6AndUnixSockets() async throws {
        let six = try TestServer(host: "::1")
        #expect(try await curl(six.url + "/status/200").output == "status 200\n")
        await six.stop()
        let directory = try TemporaryDirectory()
        let unix = try TestServer(unixSocket: directory.path + "/socket")
        #expect(
            try await curl("--unix-socket", directory.path + "/socket", unix.url + "/status/200").output
                == "status 200\n")
        await unix.stop()
        #expect(access(directory.path + "/socket", F_OK) != 0)
    }

    @Test func servesManyPipelinedRequests() async throws {
        let server = try TestServer()
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(server.port).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(connected == 0)
        let requests = Array(String(repeating: "HEAD /status/200 HTTP/1.1\r\n\r\n", count: 1000).utf8)
        let last = Array("GET /status/201 HTTP/1.1\r\nConnection: close\r\n\r\n".utf8)
        let all = requests + last
        #expect(all.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == all.count)
        var answers: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let count = read(descriptor, &part, part.count), count > 0 { answers += part[..<count] }
        #expect(answers.split(separator: 10).filter { $0.starts(with: Array("HTTP/1.1 200".utf8)) }.count == 1000)
        #expect(String(decoding: answers.suffix(11), as: UTF8.self) == "status 201\n")
        await server.stop()
    }
}
