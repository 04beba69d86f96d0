import Testing

@testable import loads_cli

@Suite struct MisspellingTests {
    @Test(arguments: [
        ("stauts", "status"), ("atach", "attach"), ("Stop", "stop"), ("lsit", "list"), ("adujst", "adjust"),
    ])
    func aCommandIsRecognised(_ word: String, _ command: String) {
        #expect(Misspelling.command(meantBy: word) == command)
    }

    @Test func itsArgumentsMayFollow() {
        #expect(Misspelling.command(meantBy: ["atach", "r-20261126-1"]) == "attach")
        #expect(Misspelling.command(meantBy: ["adjsut", "r-1"]) == "adjust")
        #expect(Misspelling.command(meantBy: ["A.B/c", "atach"]) == nil)
        #expect(Misspelling.command(meantBy: [String]()) == nil)
    }

    @Test(arguments: ["BlogTests", "BlogTests.TestWebSite/something", "http://127.0.0.1/", "", "to", "run-conformance"])
    func aTargetIsNot(_ word: String) { #expect(Misspelling.command(meantBy: word) == nil) }

    @Test(arguments: [("", "", 0), ("abc", "abc", 0), ("abc", "ab", 1), ("abc", "acb", 1), ("abc", "xyz", 3)])
    func theDistanceCountsChanges(_ one: String, _ other: String, _ distance: Int) {
        #expect(Misspelling.distance(Array(one), Array(other)) == distance)
    }
}
