import Testing

@testable import LoadsSession

@Suite struct CookieTests {
    private let now = Duration.seconds(1_700_000_000)

    private func header(_ lines: [String], from: String, to: String, after: Duration = .zero) throws -> String? {
        var jar = CookieJar()
        jar.store(lines, from: try WebURL(absolute: from), now: now)
        return jar.header(for: try WebURL(absolute: to), now: now + after)
    }

    @Test(arguments: [
        // Host only, domains, and cookies for somebody else.
        ("a=1", "http://x.test/", "http://x.test/any", "a=1"),
        ("a=1", "http://x.test/", "http://sub.x.test/", nil),
        ("a=1; Domain=x.test", "http://x.test/", "http://sub.x.test/", "a=1"),
        ("a=1; domain=.X.test", "http://sub.x.test/", "http://x.test/", "a=1"),
        ("a=1; Domain=x.test", "http://x.test/", "http://badx.test/", nil),
        ("a=1; Domain=other.test", "http://x.test/", "http://x.test/", nil),
        ("a=1; Domain=test", "http://x.test/", "http://x.test/", nil),
        ("a=1; Domain=localhost", "http://localhost/", "http://localhost:8080/", "a=1"),
        ("a=1; Domain=127.0.0.1", "http://127.0.0.1:80/", "http://127.0.0.1:81/", "a=1"),
        ("a=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", nil),
        // Paths.
        ("a=1; Path=/in", "http://x.test/", "http://x.test/in", "a=1"),
        ("a=1; Path=/in", "http://x.test/", "http://x.test/in/side", "a=1"),
        ("a=1; Path=/in", "http://x.test/", "http://x.test/inside", nil),
        ("a=1", "http://x.test/in/x", "http://x.test/in/y", "a=1"),
        ("a=1", "http://x.test/in/x", "http://x.test/out", nil),
        // Secure.
        ("a=1; Secure", "https://x.test/", "http://x.test/", nil),
        ("a=1; Secure", "https://x.test/", "https://x.test/", "a=1"),
        ("a=1; Secure", "http://localhost/", "http://localhost/", "a=1"),
        // Expiry: Max-Age wins over Expires.
        ("a=1; Max-Age=0", "http://x.test/", "http://x.test/", nil),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "http://x.test/", "http://x.test/", nil),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "http://x.test/", "http://x.test/", "a=1"),
        ("a=1; Max-Age=99999999999999999999", "http://x.test/", "http://x.test/", "a=1"),
        // Values as they are.
        ("a = b=c ; Path=/", "http://x.test/", "http://x.test/", "a=b=c"),
        ("a=\"q\"", "http://x.test/", "http://x.test/", "a=\"q\""),
        ("=1", "http://x.test/", "http://x.test/", nil),
        ("nonsense", "http://x.test/", "http://x.test/", nil),
    ])
    func sendsWhatBelongs(_ line: String, _ from: String, _ to: String, _ expected: String?) throws {
        #expect(try header([line], from: from, to: to) == expected)
    }

    @Test func endsWithItsAge() throws {
        let line = ["a=1; Max-Age=60"]
        #expect(try header(line, from: "http://x.test", to: "http://x.test", after: .seconds(59)) == "a=1")
        #expect(try header(line, from: "http://x.test", to: "http://x.test", after: .seconds(60)) == nil)
    }

    @Test func ordersByPathAndAge() throws {
        let lines = ["a=1; Path=/", "b=2; Path=/in", "c=3; Path=/", "a=9; Path=/"]
        #expect(try header(lines, from: "http://x.test", to: "http://x.test/in") == "b=2; a=9; c=3")
    }

    @Test func deletesByExpiry() throws {
        let lines = ["a=1; Path=/", "a=; Path=/; Max-Age=0"]
        #expect(try header(lines, from: "http://x.test", to: "http://x.test/") == nil)
    }

    @Test func keepsNoMoreThanItsCapacity() throws {
        var jar = CookieJar()
        for number in 0...CookieJar.capacity { jar.set(Cookie(name: "c\(number)", value: "")) }
        #expect(jar.count == CookieJar.capacity && jar["c0"] == nil && jar["c1"] == "")
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("6 nov 1994 8:49:37", 784_111_777),
        ("Wed, 29-Feb-2012 23:59:59 GMT", 1_330_559_999),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sun, 06 Nov 1994", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil), ("06 Nov 1994 24:00:00", nil), ("0", nil),
    ])
    func readsDates(_ text: String, _ expected: Int?) {
        #expect(CookieDate.parse(text) == expected.map { .seconds($0) })
    }
}
