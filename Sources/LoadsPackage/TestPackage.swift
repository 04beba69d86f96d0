import Foundation
public import LoadsWire

/// The user's package with tests in it: builds it, lists its tests, says how to launch them as a load run.
///
/// It is built in release mode in `.build-loads` inside the package, so that nobody's `.build` is disturbed.
public struct TestPackage: Sendable {
    /// Absolute.
    public let path: String

    /// - Parameter path: The folder with the `Package.swift`; relative to the current directory.
    /// - Throws: Exit code 64 when there is no package.
    public init(path: String = ".") throws(PackageError) {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        guard FileManager.default.fileExists(atPath: url.appendingPathComponent("Package.swift").path) else {
            throw PackageError(
                exitCode: 64,
                message: "no Package.swift in \(url.path): go to the package with the tests, or name it: --package PATH"
            )
        }
        self.path = url.path
    }

    /// Where it is built.
    public var scratchPath: String { path + "/.build-loads" }
    /// What the last build said.
    public var logPath: String { scratchPath + "/loads-build.log" }

    // MARK: Build

    /// Builds the tests; quick if nothing changed.
    ///
    /// - Parameter progress: Called with each line of the build's output, on another thread.
    /// - Throws: Exit code 65 with the compiler's own words.
    public func build(progress: @escaping @Sendable (String) -> Void = { _ in }) async throws(PackageError) {
        let output = Lines()
        let command = Command(arguments: [
            "swift", "build", "--build-tests", "-c", "release", "-Xswiftc", "-enable-testing",
            "--scratch-path", scratchPath, "--package-path", path,
            // A cached plan misses files that are new in a package it depends on by path.
            "--disable-build-manifest-caching",
        ])
        let code: Int
        do {
            code = try await command.run { line in
                output.append(line)
                progress(line)
            }
        } catch {
            throw PackageError(exitCode: 65, message: "\(error.reason): install Swift 6.3 (https://swift.org/install)")
        }
        let lines = output.all
        try? FileManager.default.createDirectory(atPath: scratchPath, withIntermediateDirectories: true)
        try? lines.joined(separator: "\n").write(toFile: logPath, atomically: true, encoding: .utf8)
        guard code == 0 else {
            // Progress lines look like `[12/34] Compiling …`; everything else is somebody's word.
            let words = lines.filter { $0.firstMatch(of: #/^\[[0-9]+/[0-9]+\] /#) == nil }.suffix(60)
            throw PackageError(
                exitCode: 65,
                message: "the package \(path) does not build (the whole log: \(logPath)):\n"
                    + words.joined(separator: "\n"))
        }
    }

    // MARK: Tests

    /// The built test executable.
    ///
    /// - Throws: Exit code 69 when there is none, or when it does not contain LoadsTesting.
    public func executable() throws(PackageError) -> String {
        let folder = scratchPath + "/release"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // A package that was renamed leaves its old executable behind.
        let newest = names.filter { $0.hasSuffix("PackageTests.xctest") }.map { folder + "/" + $0 }
            .max { Self.modified($0) < Self.modified($1) }
        guard let newest else {
            throw PackageError(exitCode: 69, message: "nothing to run: the package \(path) has no tests")
        }
        let contents = (try? Data(contentsOf: URL(fileURLWithPath: newest), options: .alwaysMapped)) ?? Data()
        guard contents.range(of: Data(Self.marker.utf8)) != nil else {
            throw PackageError(exitCode: 69, message: advice)
        }
        return newest
    }

    /// The tests that can be run, sorted. The package must have been built.
    ///
    /// - Parameter environment: Added to this process's own: the tests' conditions may ask for it.
    public func list(environment: [String: String] = [:]) async throws(PackageError) -> [TestEntry] {
        let executable = try executable()
        let output = Lines()
        let command = Command(
            arguments: [executable], environment: environment.merging(["LOADS_LIST": "1"]) { $1 },
            mergesErrors: false)
        let code: Int
        do {
            code = try await command.run { output.append($0) }
        } catch {
            throw PackageError(exitCode: 69, message: error.reason)
        }
        guard code == 0 else {
            throw PackageError(
                exitCode: 69, message: "\(executable) did not list its tests (it ended with code \(code))")
        }
        // The tests' own static initialisers may have printed something.
        let decoder = JSONDecoder()
        return output.all.compactMap { try? decoder.decode(TestEntry.self, from: Data($0.utf8)) }
    }

    /// How to start these tests as a load run.
    ///
    /// Tests of both frameworks go together: the process always starts through XCTest's entrance.
    ///
    /// - Returns: The launch, and the scenarios for the runner's order.
    public func launch(for tests: [TestEntry]) throws(PackageError) -> (launch: RunnerLaunch, scenarios: [String]) {
        let launch = RunnerLaunch(
            executable: try executable(), arguments: ["--testing-library", "xctest"],
            environment: ["LOADS_RUNNER": "1"], directory: path)
        return (launch, tests.map(\.id))
    }

    /// In every executable that contains LoadsTesting (CTesting.c).
    static let marker = "LoadsTesting-runner-1"

    private var advice: String {
        """
        the tests of \(path) do not contain Loads. Add to its Package.swift
            dependencies: [.package(name: "loads", path: "PATH-TO-LOADS", traits: [])]
        and to the dependencies of the test target
            .product(name: "LoadsSession", package: "loads"),
            .product(name: "LoadsTesting", package: "loads"),
        """
    }

    private static func modified(_ path: String) -> Date {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.modificationDate] as? Date ?? .distantPast
    }
}
