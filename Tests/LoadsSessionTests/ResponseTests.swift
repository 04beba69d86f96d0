import Testing

@testable import LoadsSession

@Suite struct ResponseTests {
    private struct Person: Codable, Equatable { var name: String }

    @Test(
        arguments: [
            ("", [0x5A, 0xC3, 0xA9], "Zé"),
            ("Content-Type: text/html; charset=UTF-8\r\n", [0x5A, 0xC3, 0xA9], "Zé"),
            ("content-type: text/html; charset=\"iso-8859-1\"\r\n", [0x5A, 0xE9, 0x80], "Zé€"),
            ("Content-Type: text/html; charset=windows-1252\r\n", [0x93, 0x5A, 0x94], "“Z”"),
            ("Content-Type: text/plain;charset=ISO-8859-15\r\n", [0xA4], "€"),
            ("Content-Type: text/plain; charset=utf-16be\r\n", [0x00, 0x5A, 0x20, 0xAC], "Z€"),
            ("Content-Type: text/plain; charset=utf-16\r\n", [0xFE, 0xFF, 0x00, 0x5A], "Z"),
            ("Content-Type: text/plain; charset=iso-8859-1\r\n", [0xEF, 0xBB, 0xBF, 0xC3, 0xA9], "é"),
            ("Content-Type: text/plain; charset=unheard\r\n", [0x5A, 0xFF], "Z\u{FFFD}"),
        ] as [(String, [UInt8], String)])
    func decodesTheCharset(_ head: String, _ body: [UInt8], _ expected: String) async throws {
        let response = try await Script(.answer(200, head, body: body)).session().get("/")
        #expect(response.text == expected)
        #expect(response.text == expected)
    }

    @Test func decodesJSON() async throws {
        let response = try await Script(.text(#"{"name": "Tarek"}"#)).session().get("/")
        #expect(try response.json(as: Person.self) == Person(name: "Tarek"))
        let person: Person = try response.json()
        #expect(person.name == "Tarek")
    }

    @Test func tellsWhatIsWrongWithJSON() async throws {
        let response = try await Script(.text(#"{"nome": "Tarek"}"#)).session().get("/")
        let error = #expect(throws: SessionError.self) { try response.json(as: Person.self) }
        #expect(error?.code == .body && error?.message.contains("no key name") == true)
    }

    @Test func readsFieldsWhenAsked() async throws {
        let head = "Content-Type: application/json\r\nX-Two: a\r\nx-two:  b \r\nSet-Cookie: s=1; Path=/\r\n"
        let response = try await Script(.answer(200, head)).session().get("/x")
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.headers[values: .init("X-Two")!] == ["a", "b"])
        #expect(response.cookies.first?.name == "s")
        #expect(response.url == "http://a.test/x" && response.version == "HTTP/1.1" && response.isSuccess)
    }

    @Test func requiresSuccess() async throws {
        let response = try await Script(.answer(503, body: Array("out of\norder".utf8))).session().get("/x")
        #expect(!response.isSuccess && response.status == 503)
        let error = #expect(throws: SessionError.self) { try response.requireSuccess() }
        #expect(error?.code == .status)
        #expect(error?.message == "GET http://a.test/x answered 503: out of order")
        try await Script(.answer(204)).session().get("/").requireSuccess()
    }
}
