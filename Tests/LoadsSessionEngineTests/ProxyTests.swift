import Glibc
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

@Suite(.eachEngine) struct ProxyTests {
    /// Connects to a port of the loopback and passes bytes both ways.
    private static func tunnel(_ connection: ServerConnection, to port: Int) {
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(far) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { return }
        var polls = [connection.descriptor, far].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while poll(&polls, 2, -1) > 0 {
            for (from, to) in [(0, 1), (1, 0)] where polls[from].revents != 0 {
                let count = recv(polls[from].fd, &buffer, buffer.count, 0)
                guard count > 0, send(polls[to].fd, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
            }
        }
    }

    @Test func anHTTPProxyIsAskedForTheWholeURLAndKnowsTheName() async throws {
        let proxy = ScriptedServer { connection in
            while let request = connection.request() { connection.respond(request.head) }
        }
        let port = proxy.port
        let asked = Journal()
        try await Client.with(resolver: fixedNames(["proxy.test": ["127.0.0.1"]], asked: asked)) {
            client async throws in
            for address in ["http://proxy.test:\(port)", "proxy.test:\(port)", "http://me:pw@proxy.test:\(port)"] {
                let result = try await client.get("http://blog.test/a") { $0.connection.proxy = address }
                #expect(result.text.hasPrefix("GET http://blog.test/a HTTP/1.1\r\nHost: blog.test\r\n"))
                #expect(result.text.contains("Proxy-Authorization") == address.contains("me"))
            }
        }
        #expect(asked.lines == ["proxy.test"])
    }

    @Test func aTLSRequestTunnelsThroughTheProxy() async throws {
        let nginx = try await Nginx.shared
        let lines = Journal()
        let proxy = ScriptedServer { connection in
            guard let request = connection.request() else { return }
            lines.add(request.line)
            connection.send("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
            Self.tunnel(connection, to: nginx.tlsPort)
        }
        let url = proxy.url
        try await Client.with(resolver: fixedNames([:])) { client async throws in
            for _ in 0..<2 {
                let result = try await client.get("https://blog.loads.test/") {
                    $0.connection.proxy = url
                    $0.connection.caFile = nginx.authority.caFile
                }
                #expect(result.text == Nginx.page)
                #expect(!result.headText.contains("X-Proxy"))
                #expect(result.requests == 1)
            }
        }
        #expect(lines.lines == ["CONNECT blog.loads.test:443 HTTP/1.1"])
    }

    @Test func troubleWithTheProxyIsAProxyError() async throws {
        let refusing = ScriptedServer { connection in
            _ = connection.request()
            connection.respond(
                "", status: "407 Proxy Authentication Required", headers: "Proxy-Authenticate: Basic\r\n")
        }
        let url = refusing.url
        let closed = try Ports.free()
        try await Client.with(resolver: fixedNames([:])) { client async throws in
            for (target, proxy) in [
                ("https://blog.test/", url), ("http://blog.test/", "http://127.0.0.1:\(closed)"),
                ("http://blog.test/", "http://unknown.test:80"),
            ] {
                let error = try await client.failure(target) { $0.connection.proxy = proxy }
                #expect(error.code == .proxy, "\(error)")
            }
        }
    }

    @Test(arguments: ["socks5", "socks5h"]) func aSOCKSProxyIsGivenTheAddressOrTheName(scheme: String) async throws {
        let journal = Journal()
        let proxy = ScriptedServer { connection in
            guard let greeting = connection.bytes(2), connection.bytes(Int(greeting[1])) != nil else { return }
            connection.send([5, 0])
            guard let request = connection.bytes(4) else { return }
            if request[3] == 1 {
                journal.add("address \(connection.bytes(4)!)")
            } else if request[3] == 3, let length = connection.bytes(1)?.first {
                journal.add("name \(String(decoding: connection.bytes(Int(length))!, as: UTF8.self))")
            }
            _ = connection.bytes(2)
            connection.send([5, 0, 0, 1, 127, 0, 0, 1, 0, 80])
            while connection.request() != nil { connection.respond("through") }
        }
        let port = proxy.port
        let asked = Journal()
        let resolver = fixedNames(["proxy.test": ["127.0.0.1"], "blog.test": ["192.0.2.7"]], asked: asked)
        try await Client.with(resolver: resolver) { client async throws in
            let result = try await client.get("http://blog.test/") {
                $0.connection.proxy = "\(scheme)://proxy.test:\(port)"
            }
            #expect(result.text == "through")
        }
        #expect(journal.lines == [scheme == "socks5" ? "address [192, 0, 2, 7]" : "name blog.test"])
        #expect(asked.lines == (scheme == "socks5" ? ["proxy.test", "blog.test"] : ["proxy.test"]))
    }

    @Test func theEnvironmentsProxyIsNotRead() async throws {
        let server = ScriptedServer { connection in while connection.request() != nil { connection.respond("direct") } }
        let url = server.url
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        defer { unsetenv("http_proxy") }
        try await Client.with { client async throws in #expect(try await client.get(url).text == "direct") }
    }
}
