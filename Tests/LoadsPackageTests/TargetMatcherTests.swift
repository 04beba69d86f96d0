import Testing

@testable import LoadsPackage

@Suite struct TargetMatcherTests {
    private let matcher = TargetMatcher(
        tests: [
            "BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite/something", "BlogTests.TestWebSite.Inner/deep",
            "BlogTests.TestWebSiteXCT/testSomething", "BlogTests/free", "ShopTests.Cart/add(item:)",
            "ShopTests.Cart/add(items:)",
        ].map { TestEntry(id: $0, kind: .swiftTesting) })

    @Test(arguments: [
        ("BlogTests.TestWebSite/something", ["BlogTests.TestWebSite/something"]),
        ("BlogTests.TestWebSite/something()", ["BlogTests.TestWebSite/something"]),
        ("BlogTests.TestWebSite.something", ["BlogTests.TestWebSite/something"]),
        ("BlogTests/free", ["BlogTests/free"]),
        ("BlogTests.free", ["BlogTests/free"]),
        ("BlogTests.TestWebSite.Inner", ["BlogTests.TestWebSite.Inner/deep"]),
        (
            "BlogTests.TestWebSite",
            ["BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite/something", "BlogTests.TestWebSite.Inner/deep"]
        ),
        ("ShopTests.Cart/add(item:)", ["ShopTests.Cart/add(item:)"]),
        ("ShopTests.Cart/add", ["ShopTests.Cart/add(item:)", "ShopTests.Cart/add(items:)"]),
        ("ShopTests", ["ShopTests.Cart/add(item:)", "ShopTests.Cart/add(items:)"]),
    ])
    func findsWhatATargetMeans(target: String, expected: [String]) throws {
        #expect(try matcher.match([target]).map(\.id) == expected)
    }

    @Test func takesEachTestOnceFromSeveralTargets() throws {
        let found = try matcher.match(["BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite", "BlogTests/free"])
        #expect(
            found.map(\.id) == [
                "BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite/something", "BlogTests.TestWebSite.Inner/deep",
                "BlogTests/free",
            ])
    }

    @Test(arguments: [
        ("BlogTests.TestWebSite/somthing", "BlogTests.TestWebSite/something"),
        ("TestWebSite/something", "BlogTests.TestWebSite/something"),
        ("something", "BlogTests.TestWebSite/something"),
        ("ShopTest.Cart", "ShopTests.Cart"),
    ])
    func namesTheNearestTests(target: String, nearest: String) throws {
        let error = try #require(throws: PackageError.self) { try matcher.match([target]) }
        #expect(error.exitCode == 69)
        #expect(error.message.contains("no such test: \(target); did you mean"))
        #expect(matcher.nearest(to: target).first == nearest)
    }

    @Test func reportsAllUnknownTargetsAtOnce() throws {
        let error = try #require(throws: PackageError.self) { try matcher.match(["Nope/a", "BlogTests", "Nope/b"]) }
        #expect(error.message.split(separator: "\n").count == 2)
    }

    @Test(arguments: [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)])
    func measuresEditDistance(left: String, right: String, distance: Int) {
        #expect(EditDistance.between(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(EditDistance.between(Array(right.utf8), Array(left.utf8)) == distance)
    }
}
