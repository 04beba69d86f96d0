import Foundation
import TestSupport
import Testing

@Suite struct UsageTests {
    @Test(arguments: [
        (["--bogus"], "Unknown option"),
        (["-c", "0", "A.B"], "loads: --users 0: must be at least 1"),
        (["-n", "1", "-d", "1s", "A.B"], "exclude each other"),
        (["http://127.0.0.1:1/", "--json", "/nowhere/x"], "--json /nowhere/x: cannot be written: No such file"),
        (["http://127.0.0.1:1/", "--stream", "/"], "--stream /: cannot be written: Is a directory"),
        (["http://127.0.0.1:1/", "-c", "900000"], "-c 900000: with a connection each they need about"),
        (
            ["http://127.0.0.1:1/", "--rate", "5/s", "-d", "1s", "--max-users", "900000"],
            "--max-users 900000: with a connection each they need about"
        ),
        (["127.0.0.1:8080/"], "127.0.0.1:8080/: a URL begins with its scheme (try http://127.0.0.1:8080/)"),
        (["A.B", "--package", "/nowhere"], "no Package.swift in /nowhere"),
        (["A.B", "--config", "/nowhere.yml"], "--config /nowhere.yml: cannot be read"),
    ])
    func wrongUsageIs64AndStartsNothing(_ arguments: [String], _ message: String) async throws {
        let outcome = try await Program.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test func aRunThatDoesNotStartLeavesFilesAlone() async throws {
        let directory = try TemporaryDirectory()
        let old = try directory.write("old", to: "old.json")
        let outcome = try await Program.run([
            "A.B", "--package", "/nowhere", "--json", old, "--stream", directory.path + "/new",
        ])
        #expect(outcome.status == 64)
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "old")
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/new"))
    }

    @Test func oneFileForTwoOptionsIsWrongUsageHoweverItIsNamed() async throws {
        let directory = try TemporaryDirectory()
        let outcome = try await Program.run([
            "http://127.0.0.1:1/", "--json", directory.path + "/out", "--stream", directory.path + "/./out",
        ])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("are the same file: give them files of their own"), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/out"))
    }

    @Test func aPackageThatDoesNotBuildIs65WithTheCompilersWords() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            // swift-tools-version: 6.0
            import PackageDescription
            let package = Package(name: "Broken", targets: [.testTarget(name: "BrokenTests")])
            """, to: "Package.swift")
        try FileManager.default.createDirectory(
            atPath: directory.path + "/Tests/BrokenTests", withIntermediateDirectories: true)
        try directory.write("let x: Int = \"no number\"\n", to: "Tests/BrokenTests/Broken.swift")
        let outcome = try await Program.run(["BrokenTests.A/b", "--package", directory.path])
        #expect(outcome.status == 65)
        #expect(
            outcome.errors.contains("cannot convert value of type 'String' to specified type 'Int'"),
            "\(outcome.errors)")
    }

    @Test func theVersionAndTheHelpAreResults() async throws {
        let version = try await Program.run(["version"])
        #expect(version.status == 0)
        #expect(version.output.hasPrefix("loads "))
        let help = try await Program.run(["--help"])
        #expect(help.status == 0)
        #expect(help.output.contains("loads"))
    }
}
