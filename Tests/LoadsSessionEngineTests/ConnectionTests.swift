import Foundation
import LoadsCore
import LoadsEventLoop
import TestSupport
import Testing

@testable import LoadsSession

@Suite(.eachEngine) struct ConnectionTests {
    /// Answers with the connection's number.
    private func counting() -> ScriptedServer {
        ScriptedServer { connection in
            while connection.request() != nil { connection.respond("\(connection.number)") }
        }
    }

    @Test func exchangesOfAUserShareAWarmConnection() async throws {
        let server = counting()
        let url = server.url
        try await Client.with { client async throws in
            for _ in 0..<5 { #expect(try await client.get(url).text == "1") }
        }
        try await Client.with { client async throws in #expect(try await client.get(url).text == "2") }
    }

    @Test func parallelExchangesHaveConnectionsOfTheirOwn() async throws {
        let server = counting()
        let url = server.url
        try await Client.with { client async throws in
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await client.get(url).text } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(texts.count > 1)
        }
    }

    @Test func anIterationsEndClosesConnections() async throws {
        let server = counting()
        let url = server.url
        try await Client.with { client async throws in
            for expected in 1...4 {
                #expect(try await client.get(url).text == "\(expected)")
                #expect(try await client.get(url).text == "\(expected)")
                client.engine.iterationEnded()
            }
        }
    }

    @Test func aConnectionClosedWhileIdleIsReplaced() async throws {
        let server = ScriptedServer { connection in
            _ = connection.request()
            connection.respond("\(connection.number)")
        }
        let url = server.url
        try await Client.with { client async throws in
            for expected in 1...6 {
                let result = try await client.get(url) {
                    $0.method = expected % 2 == 0 ? .post : .get
                    $0.body = expected % 2 == 0 ? .bytes([1, 2, 3]) : .none
                }
                #expect(result.text == "\(expected)")
                // The close arrives before the next request on some rounds and after it on others.
                if expected % 3 == 0 { try await Task.sleep(for: .milliseconds(20)) }
            }
        }
    }

    @Test func aConnectionClosedUnderARequestIsTriedAgainOnce() async throws {
        let journal = Journal()
        let server = ScriptedServer { connection in
            for _ in 0..<(connection.number == 1 ? 2 : 1) {
                guard let request = connection.request() else { return }
                journal.add("\(connection.number) \(request.line) \(request.body.count)")
                if journal.lines.count == 2 { return }
                connection.respond("\(connection.number)")
            }
        }
        let url = server.url
        try await Client.with { client async throws in
            #expect(try await client.get(url).text == "1")
            let second = try await client.get(url + "/x") {
                $0.method = .post
                $0.body = .bytes(Array(repeating: 1, count: 100_000))
            }
            #expect(second.text == "2")
        }
        #expect(journal.lines.last == "2 POST /x HTTP/1.1 100000")
    }

    @Test func optionsKeepConnectionsApart() async throws {
        let nginx = try await Nginx.shared
        let ca = nginx.authority
        try await Client.with { client async throws in
            let url = nginx.tlsURL
            for _ in 0..<2 {
                #expect(try await client.get(url) { $0.connection.caFile = ca.caFile }.status == 200)
                // The handle is used again: what was set must be taken back, and the open connection left alone.
                #expect(try await client.failure(url).code == .tls)
                #expect(try await client.failure(url) { $0.connection.caFile = ca.strangerFile }.code == .tls)
                #expect(try await client.get(url) { $0.connection.verifiesTLS = false }.status == 200)
            }
            let guarded = nginx.clientCertificateURL
            #expect(try await client.get(guarded) { $0.connection.caFile = ca.caFile }.status == 400)
            let known = try await client.get(guarded) {
                $0.connection.caFile = ca.caFile
                $0.connection.certificateFile = ca.clientCertificate
                $0.connection.keyFile = ca.clientKey
            }
            #expect(known.status == 200)
            #expect(try await client.get(guarded) { $0.connection.caFile = ca.caFile }.status == 400)
        }
    }

    @Test func theNewerProtocolIsSpokenWhereOfferedAndAllowed() async throws {
        let nginx = try await Nginx.shared
        let ca = nginx.authority.caFile
        try await Client.with { client async throws in
            for _ in 0..<2 {
                for allowed in [true, false] {
                    let result = try await client.get(nginx.http2URL) {
                        $0.connection.caFile = ca
                        $0.connection.allowsHTTP2 = allowed
                    }
                    #expect(result.version == (allowed ? "HTTP/2" : "HTTP/1.1"))
                    #expect(result.text == Nginx.page)
                    #expect(result.head.count > 10 && result.bytesReceived >= 1024)
                }
            }
            let stream = try await client.get(nginx.http2URL + "/large") {
                $0.connection.caFile = ca
                $0.receive = .stream
            }.stream
            #expect(try await stream?.rest().count == 4 << 20)
            let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await client.get(nginx.http2URL + "/large") { $0.connection.caFile = ca }.body.count
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sizes == 40 << 20)
        }
    }

    @Test func aUnixSocketIsUsedForItsExchangesOnly() async throws {
        let nginx = try await Nginx.shared
        let server = counting()
        let url = server.url
        try await Client.with { client async throws in
            for _ in 0..<2 {
                let page = try await client.get(url) { $0.connection.unixSocket = nginx.unixSocket }
                #expect(page.text == Nginx.page)
                #expect(try await client.get(url).text == "1")
            }
            let named = try await client.get("http://no-such-name.test/") {
                $0.connection.unixSocket = nginx.unixSocket
            }
            #expect(named.text == Nginx.page)
        }
    }

    @Test func pinsLeadElsewhereWithoutTouchingHostOrTheCertificatesName() async throws {
        let nginx = try await Nginx.shared
        let ca = nginx.authority.caFile
        let mirror = ScriptedServer { connection in
            while let request = connection.request() { connection.respond(request.head) }
        }
        let six = ScriptedServer(v6: true) { connection in
            while connection.request() != nil { connection.respond("six") }
        }
        let (port, sixPort) = (mirror.port, six.port)
        try await Client.with(resolver: fixedNames(["elsewhere.test": ["127.0.0.1"]])) { client async throws in
            func text(_ url: String, _ pins: [String: String]) async throws -> String {
                try await client.get(url) {
                    $0.connection.pins = pins
                    $0.connection.caFile = ca
                }.text
            }
            #expect(
                try await text("http://blog.test/", ["blog.test:80": "127.0.0.1:\(port)"]).contains(
                    "Host: blog.test\r\n"))
            #expect(
                try await text("http://BLOG.test:\(port)/", ["blog.test:\(port)": "127.0.0.1"]).contains(
                    "Host: BLOG.test:\(port)"))
            #expect(try await text("http://blog.test/", ["blog.test:80": "[::1]:\(sixPort)"]) == "six")
            #expect(
                try await text("http://blog.test/", ["blog.test:80": "elsewhere.test:\(port)"]).contains(
                    "Host: blog.test"))
            #expect(try await text("http://[::1]/", ["[::1]:80": "127.0.0.1:\(port)"]).contains("Host: [::1]\r\n"))
            #expect(
                try await text("https://a.loads.test/", ["a.loads.test:443": "127.0.0.1:\(nginx.tlsPort)"])
                    == Nginx.page)
            let error = try await client.failure("https://a.other.test/") {
                $0.connection.pins = ["a.other.test:443": "127.0.0.1:\(nginx.tlsPort)"]
                $0.connection.caFile = ca
            }
            #expect(error.code == .tls)
            #expect(try await client.failure("http://blog.test/").code == .resolve)
        }
    }

    @Test func aUserWhoEndsLeavesNoDescriptors() async throws {
        let server = counting()
        let nginx = try await Nginx.shared
        let url = server.url
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try descriptors()
        try await Client.with { client async throws in
            for number in 0..<200 {
                let engine = EngineUnderTest.current.engine(on: client.loop, resolver: .shared)
                let user = Client(loop: client.loop, engine: engine)
                _ = try await user.get(url)
                _ = try await user.get(nginx.http2URL) { $0.connection.verifiesTLS = false }
                _ = try await user.failure("http://127.0.0.1:1/")
                if number % 2 == 0 { _ = try await user.get(nginx.url + "/large") { $0.receive = .stream } }
                engine.userEnded()
            }
        }
        // Five for each user would be a thousand; other tests run at the same time. The server's ends are here, too: its
        // threads close them a moment later.
        for _ in 0..<6_000 {
            if try descriptors() - before < 200 { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try descriptors() - before < 200)
    }

    @Test func anEngineThatWasNeverUsedNeedsNoEnd() async throws {
        try await Client.with { client async throws in
            weak var forgotten: (any Engine)?
            do {
                let engine = EngineUnderTest.current.engine(on: client.loop, resolver: .shared)
                forgotten = engine
            }
            let isGone = forgotten == nil
            #expect(isGone)
        }
    }
}
