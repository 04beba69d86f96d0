import Foundation
import TestSupport
import Testing

/// `bin/loads`, `bin/loads-master`, `bin/loads-agent` and `bin/test`, in a clone whose programs are played.
@Suite struct ScriptTests {
    /// What builds: it makes the executable and says what it was asked for.
    private static let builder = """
        echo "$@" >> "$ROOT/asked"
        mkdir -p "$ROOT/.build/release"
        program="$ROOT/.build/release/${@: -1}"
        printf '#!/bin/bash\\necho built\\n' > "$program"
        chmod +x "$program"
        """

    private static let programs = ["loads", "loads-master", "loads-agent"]

    @Test(arguments: programs) func passesItsArgumentsAndTheExitCodeOn(_ program: String) async throws {
        let clone = try Clone()
        let outcome = try await clone.run(
            "bin/\(program)", ["run", "a b", "", "*", "--name=x y"], environment: ["CODE": "71"])
        #expect(outcome.status == 71)
        #expect(outcome.output == "<run>\n<a b>\n<>\n<*>\n<--name=x y>\n")
        #expect(outcome.errors == "")
    }

    @Test func worksFromAnyDirectoryAndThroughSymbolicLinks() async throws {
        let clone = try Clone()
        let elsewhere = try TemporaryDirectory()
        let link = elsewhere.path + "/loads"
        try FileManager.default.createSymbolicLink(atPath: elsewhere.path + "/clone", withDestinationPath: clone.path)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "clone/bin/loads")
        for directory in ["/", elsewhere.path, clone.path + "/Sources"] {
            #expect(try await clone.run(link, ["x"], from: directory).output == "<x>\n")
        }
        #expect(try await clone.run("./bin/../bin/loads", ["x"], from: clone.path).output == "<x>\n")
    }

    @Test(arguments: programs)
    func buildsWhenThereIsNothingAndWhenASourceIsNewer(_ program: String) async throws {
        let clone = try Clone(built: false)
        try clone.play("swift", Self.builder)
        let environment: [String: String?] = ["ROOT": clone.path]
        let first = try await clone.run("bin/\(program)", environment: environment)
        #expect(first.status == 0 && first.output == "built\n", "\(first.errors)")
        #expect(first.errors.contains("\(program): building for the first time"))
        #expect(try await clone.run("bin/\(program)", environment: environment).errors == "", "nothing has changed")

        let stamp = clone.path + "/.build/\(program).stamp"
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: stamp)
        try clone.write("// changed", to: "Sources/loads/Main.swift")
        let second = try await clone.run("bin/\(program)", environment: environment)
        #expect(second.errors.contains("\(program): sources have changed: building"))
        let asked = try String(contentsOfFile: clone.path + "/asked", encoding: .utf8).split(separator: "\n")
        #expect(asked.count == 2)
        #expect(asked.allSatisfy { $0 == "build --package-path \(clone.path) -c release --product \(program)" })
    }

    @Test(arguments: [
        ("echo 'A.swift:1:2: error: cannot find x'; echo '[1/2] Compiling'", "A.swift:1:2: error: cannot find x"),
        ("echo 'the linker was killed'", "the linker was killed"),
    ])
    func aBuildThatFailsIs65WithItsWords(_ words: String, _ shown: String) async throws {
        let clone = try Clone(built: false)
        try clone.play("swift", words + "; exit 1")
        let outcome = try await clone.run("bin/loads")
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains(shown), "\(outcome.errors)")
        #expect(outcome.errors.contains("loads: the build failed (log: \(clone.path)/.build/loads-build.log)"))
        #expect(!FileManager.default.fileExists(atPath: clone.path + "/.build/loads.stamp"))
    }

    @Test func missingPackagesThatCannotBeInstalledAre69WithTheLineToRun() async throws {
        let clone = try Clone()
        try clone.play("dpkg-query", #"case "$*" in *zlib1g-dev*) exit 1 ;; *) printf installed ;; esac"#)
        try clone.play("id", "echo 1000")
        try clone.play("sudo", "exit 1")
        let outcome = try await clone.run("bin/loads", ["x"])
        #expect(outcome.status == 69)
        #expect(outcome.output == "")
        #expect(
            outcome.errors == """
                loads: system packages are missing, and installing them needs root. Run this, then try again:
                    sudo apt-get install -y --no-install-recommends zlib1g-dev

                """)
    }

    @Test func missingPackagesAreInstalledWherePossible() async throws {
        let clone = try Clone()
        try clone.play("dpkg-query", #"case "$*" in *zlib1g-dev*) exit 1 ;; *) printf installed ;; esac"#)
        try clone.play("id", "echo 1000")
        try clone.play("sudo", #"[ "$1" = -n ] && shift; [ "$1" = true ] || echo "$@" >> "$ASKED""#)
        let asked = clone.path + "/asked"
        let outcome = try await clone.run("bin/loads", ["x"], environment: ["ASKED": asked])
        #expect(outcome.status == 0 && outcome.output == "<x>\n", "\(outcome.errors)")
        #expect(outcome.errors.contains("loads: installing zlib1g-dev"))
        let line = try String(contentsOfFile: asked, encoding: .utf8)
        #expect(line.contains("apt-get") && line.hasSuffix("install --no-install-recommends zlib1g-dev\n"))
    }

    /// Only a master has a database.
    @Test(arguments: [("loads-master", 69), ("loads-agent", 0)] as [(String, Int32)])
    func eachInstallsWhatItNeeds(_ program: String, _ status: Int32) async throws {
        let clone = try Clone()
        try clone.play("dpkg-query", #"case "$*" in *libsqlite3-dev*) exit 1 ;; *) printf installed ;; esac"#)
        try clone.play("id", "echo 1000")
        try clone.play("sudo", "exit 1")
        let outcome = try await clone.run("bin/\(program)", ["x"])
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains("apt-get install -y --no-install-recommends libsqlite3-dev") == (status == 69))
    }

    @Test func withoutSwiftItSaysWhereToGetIt() async throws {
        let clone = try Clone(built: false)
        try FileManager.default.removeItem(atPath: clone.tools + "/swift")
        let outcome = try await clone.run("bin/loads")
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("there is no 'swift' in PATH: install Swift 6.3"), "\(outcome.errors)")
    }

    @Test func binTestPassesItsArgumentsToSwiftTestAndItsExitCodeOnAndRepeatsWhatFailed() async throws {
        let clone = try Clone()
        try clone.play(
            "swift",
            #"""
            for argument in "$@"; do echo "<$argument>"; done
            echo "✘ Test a() failed"; echo "$LOADS_TEST_BINARY"; exit 7
            """#)
        let outcome = try await clone.run("bin/test", ["--filter", "A B"])
        #expect(outcome.status == 7)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.starts(with: ["<test>", "<--package-path>", "<\(clone.path)>"]), "\(outcome.errors)")
        #expect(lines.contains("<A B>"))
        #expect(lines.last == "\(clone.path)/.build/release/loads")
        #expect(
            outcome.errors.hasSuffix("(all of the output: test.log in \(clone.path)/.build):\n✘ Test a() failed\n"),
            "\(outcome.errors)")
    }

    @Test(arguments: [("XCTest", 3, 1), ("cluster", 5, 4), ("others", 5, 4), ("accuracy", 5, 4), ("none", 0, 4)])
    func binTestRunsAllInThreeLinesAndFailsWhereverOneFails(_ red: String, _ status: Int32, _ runs: Int) async throws {
        let clone = try Clone()
        try clone.play("swift", #"echo "swift $*"; [ "$RED" != XCTest ] || exit 3"#)
        try clone.playTests(
            #"""
            echo "suites $*"
            case "$*" in
            *--skip*) line=others ;;
            *AccuracyTests*) line=accuracy ;;
            *ClusterTests*) line=cluster ;;
            esac
            if [ "$line" = "$RED" ]; then echo "✘ Test $line() failed"; exit 5; fi
            """#)
        let outcome = try await clone.run("bin/test", environment: ["RED": red])
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n").filter { !$0.contains("✘") }
        #expect(lines.count == runs, "\(outcome.output)\(outcome.errors)")
        #expect(lines.first == "swift test --package-path \(clone.path) --disable-swift-testing")
        #expect(lines.dropFirst().allSatisfy { $0.contains("--testing-library swift-testing --no-parallel") })
        #expect(outcome.errors.contains("✘ Test \(red)() failed") == (status == 5), "\(outcome.errors)")
    }
}
