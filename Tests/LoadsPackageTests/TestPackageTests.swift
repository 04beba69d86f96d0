import Foundation
import LoadsWire
import Testing

@testable import LoadsPackage

/// Packages made on the spot, in folders whose names have spaces.
@Suite struct TestPackageTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private func makePackage(_ manifest: String, test: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/loads package \(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/Tests/ATests", withIntermediateDirectories: true)
        try manifest.write(toFile: path + "/Package.swift", atomically: true, encoding: .utf8)
        try test.write(toFile: path + "/Tests/ATests/A.swift", atomically: true, encoding: .utf8)
        return path
    }

    private let plainManifest = """
        // swift-tools-version: 6.2
        import PackageDescription
        let package = Package(name: "A", targets: [.testTarget(name: "ATests")])
        """

    @Test func saysWhereThereIsNoPackage() throws {
        let error = try #require(throws: PackageError.self) { try TestPackage(path: "/nowhere/at all") }
        #expect(error.exitCode == 64)
        #expect(error.message.contains("no Package.swift in /nowhere/at all"))
    }

    @Test func passesOnTheCompilersWords() async throws {
        let path = try makePackage(plainManifest, test: "import Testing\n@Test func a() { nonsense() }\n")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let package = try TestPackage(path: path)
        let error = try await #require(throws: PackageError.self) { try await package.build() }
        #expect(error.exitCode == 65)
        #expect(error.message.contains("cannot find 'nonsense' in scope"))
        #expect(FileManager.default.fileExists(atPath: package.logPath))
    }

    @Test func aModuleThatIsNotThereIsRefusedBeforeTheFirstBuild() async throws {
        let manifest = plainManifest.replacing(#"name: "ATests""#, with: #"name: "A-Tests", path: "Tests/ATests""#)
        let path = try makePackage(manifest, test: "this does not even parse\n")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let package = try TestPackage(path: path)
        try await package.refuseUnknownModules(of: ["A_Tests.Suite/test", "A_Tests"])
        let error = try await #require(throws: PackageError.self) {
            try await package.refuseUnknownModules(of: ["A_Test.Suite/test", "A_Tests/b", "Suite/test"])
        }
        #expect(error.exitCode == 69)
        #expect(
            error.message == """
                no such test: A_Test.Suite/test (there is no test module A_Test; did you mean A_Tests.Suite/test?)
                no such test: Suite/test (there is no test module Suite; a test is Module.Suite/test, and the test modules \
                are A_Tests)
                """)
        #expect(!FileManager.default.fileExists(atPath: path + "/.build"))
        // Once it has been built, in vain or not, the tests themselves tell.
        _ = try? await package.build()
        try await package.refuseUnknownModules(of: ["Suite/test"])
    }

    @Test func aManifestThatCannotBeReadIsTheBuildsToReport() async throws {
        let path = try makePackage("nonsense", test: "")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await TestPackage(path: path).refuseUnknownModules(of: ["A.B"])
    }

    @Test func saysWhatToAddToAPackageWithoutLoads() async throws {
        let path = try makePackage(plainManifest, test: "import Testing\n@Test func a() {}\n")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let package = try TestPackage(path: path)
        try await package.build()
        #expect(!FileManager.default.fileExists(atPath: path + "/.build"))
        let error = try await #require(throws: PackageError.self) { try await package.list() }
        #expect(error.exitCode == 69)
        #expect(error.message.contains(#".product(name: "LoadsTesting", package: "loads")"#))
    }

    @Test func listsTheTestsOfTheExample() async throws {
        let package = try TestPackage(path: Self.root + "/Examples/Blog")
        try await package.build()
        let tests = try await package.list()
        #expect(
            tests.map(\.id) == [
                "BlogTests.TestWebSite/signIn", "BlogTests.TestWebSite/something",
                "BlogTests.TestWebSiteXCT/testSignIn", "BlogTests.TestWebSiteXCT/testSomething",
            ])
        #expect(tests.map(\.kind) == [.swiftTesting, .swiftTesting, .xcTest, .xcTest])
        #expect(tests[1].file == "BlogTests/TestWebSite.swift" && tests[1].line == 7)

        let (launch, scenarios) = try package.launch(for: [tests[1]])
        #expect(scenarios == ["BlogTests.TestWebSite/something"])
        #expect(launch.program == .path(package.path + "/.build-loads/release/BlogPackageTests.xctest"))
        #expect(launch.directory == package.path)

        // What a stranger's test package resolves: no web server, no database, no ZeroMQ, no command-line tools.
        let resolved = try Data(contentsOf: URL(fileURLWithPath: package.path + "/Package.resolved"))
        struct Resolved: Decodable {
            struct Pin: Decodable { var identity: String }
            var pins: [Pin]
        }
        #expect(try JSONDecoder().decode(Resolved.self, from: resolved).pins.map(\.identity) == ["swift-http-types"])
    }
}
