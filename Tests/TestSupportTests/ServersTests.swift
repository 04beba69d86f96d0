import Foundation
import TestSupport
import Testing

@Suite struct ServersTests {
    @Test func nginxServesItsPageOverEveryDoor() async throws {
        let nginx = try await Nginx()
        let ca = nginx.authority
        func fetch(_ arguments: String...) async throws -> String {
            try await ChildProcess.succeed(["curl", "-sSf", "--max-time", "50"] + arguments)
        }
        #expect(Nginx.page.utf8.count == 1024)
        #expect(try await fetch(nginx.url) == Nginx.page)
        #expect(try await fetch("http://[::1]:\(nginx.port)/") == Nginx.page)
        #expect(try await fetch("--unix-socket", nginx.unixSocket, "http://blog/") == Nginx.page)
        #expect(try await fetch("--cacert", ca.caFile, nginx.tlsURL) == Nginx.page)
        #expect(
            try await fetch("--cacert", ca.caFile, "-o", "/dev/null", "-w", "%{http_version}", nginx.http2URL) == "2")
        #expect(
            try await fetch(
                "--cacert", ca.caFile, "--cert", ca.clientCertificate, "--key", ca.clientKey, nginx.clientCertificateURL
            )
                == Nginx.page)
        #expect(try await fetch("-u", "tarek:secret", nginx.url + "/basic/") == "signed in\n")
        await #expect(throws: SupportError.self) { try await fetch(nginx.url + "/basic/") }
        await #expect(throws: SupportError.self) { try await fetch("--cacert", ca.strangerFile, nginx.tlsURL) }
        #expect(try await nginx.accessLog(atLeast: 8).first?.hasPrefix("GET / 200 HTTP/1.1") == true)
        nginx.clearAccessLog()
        #expect(nginx.accessLog().isEmpty)
        await nginx.stop()
        // Where it had to be killed, its worker may be the last to go.
        for _ in 0..<6_000 where Ports.answers(nginx.port) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!Ports.answers(nginx.port))
    }

    @Test func aChildIsKilledWhenItsTimeIsUp() async throws {
        await #expect(throws: SupportError.self) {
            try await ChildProcess.run(["sleep", "60"], timeout: .milliseconds(100))
        }
    }

    @Test func aChildsOutputErrorsAndStatusAreCaught() async throws {
        let outcome = try await ChildProcess.run(
            ["sh", "-c", "cat; echo $WORD >&2; pwd; exit 7"], environment: ["WORD": "word"], directory: "/",
            input: "in\n")
        #expect(outcome.status == 7)
        #expect(outcome.output == "in\n/\n")
        #expect(outcome.errors == "word\n")
        #expect(try await ChildProcess.run(["sh", "-c", "kill -9 $$"]).status == 137)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["LOADS_TEST_PYTHON"] != nil))
    func httpbinAnswers() async throws {
        let httpbin = try await Httpbin.shared
        #expect(try await ChildProcess.succeed(["curl", "-sSf", httpbin.url + "/get"]).contains("headers"))
    }
}
