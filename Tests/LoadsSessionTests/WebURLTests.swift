import Testing

@testable import LoadsSession

@Suite struct WebURLTests {
    @Test(arguments: [
        ("http://a.test", "http://a.test/"),
        ("HTTP://A.Test:80/x", "http://a.test/x"),
        ("https://a.test:443?q", "https://a.test/?q"),
        ("https://a.test:8443/x#part", "https://a.test:8443/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://a.test/ü x?ö=\"1\"", "http://a.test/%C3%BC%20x?%C3%B6=%221%22"),
        ("http://a.test/100%/%41%2f", "http://a.test/100%25/%41%2f"),
        ("  http://a.test/x \n", "http://a.test/x"),
        ("http://a.test/a/./b/../c/..", "http://a.test/a/"),
        ("http://user:pa%20ss@a.test/", "http://a.test/"),
    ])
    func readsAbsolute(_ text: String, _ expected: String) throws {
        #expect(try WebURL(absolute: text).text == expected)
    }

    @Test(arguments: [
        ("http://u:p@a.test/x", "http://u:***@a.test/x"), ("https://u:p:q@r@a.test", "https://u:***@a.test"),
        ("http://u@a.test:80/x:y@z", "http://u@a.test:80/x:y@z"), ("http://a.test/?b:c@d", "http://a.test/?b:c@d"),
        ("/x:y@z", "/x:y@z"),
    ])
    func aPasswordIsNotShown(_ url: String, _ shown: String) { #expect(ShownURL.text(url) == shown) }

    @Test func takesUserInformation() throws {
        let url = try WebURL(absolute: "http://us%40er:pa:ss@a.test/")
        #expect(url.user == "us@er" && url.password == "pa:ss" && url.host == "a.test")
    }

    /// RFC 3986, 5.4, as far as http is concerned.
    @Test(arguments: [
        ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
        ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"), ("g#s", "http://a/b/c/g"), (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("..", "http://a/b/"), ("../g", "http://a/b/g"),
        ("../..", "http://a/"), ("../../../g", "http://a/g"), ("/./g", "http://a/g"), ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"),
        ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"), ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("http://x/y", "http://x/y"),
    ])
    func resolvesReferences(_ reference: String, _ expected: String) throws {
        let base = try WebURL(absolute: "http://a/b/c/d;p?q")
        #expect(try WebURL(reference, relativeTo: base).text == expected)
    }

    @Test(arguments: [
        "", "x", "ftp://a.test/", "http:/a.test", "http://", "http://:80/", "http://a.test:0/", "http://a.test:65536/",
        "http://a.test:x/", "http://[::1/", "http://[zz]/", "http://bücher.test/", "http://a b/", "localhost:8080/x",
    ])
    func refuses(_ text: String) { #expect(throws: WebURL.Problem.self) { try WebURL(absolute: text) } }

    @Test func addsQueryItems() throws {
        var url = try WebURL(absolute: "http://a.test/?x=1")
        url.append(["na me": "a&b=ü", "full": ""])
        #expect(url.text == "http://a.test/?x=1&na+me=a%26b%3D%C3%BC&full=")
    }
}
