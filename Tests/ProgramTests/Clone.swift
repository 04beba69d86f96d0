import Foundation
import TestSupport

/// A clone of the repository as far as `bin/loads` and `bin/test` see it, with a `loads`, a `swift` and a system that are
/// played by shell scripts: what the commands do is seen without a build, and nothing of the machine is touched.
final class Clone: Sendable {
    private let directory: TemporaryDirectory
    /// The root; it has a space in its name.
    let path: String
    /// Where the played programs are; first in PATH.
    let tools: String

    /// - Parameter built: Whether `loads` has been built.
    init(built: Bool = true) throws {
        directory = try TemporaryDirectory(prefix: "clone")
        let root = URL(fileURLWithPath: directory.path).standardizedFileURL.path
        path = root + "/a clone"
        tools = root + "/tools"
        for folder in ["/Sources/loads", "/.build/release", "/.build-tools", "/Benchmarks"] {
            try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
        }
        try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Program.repository + "/bin", toPath: path + "/bin")
        try write("", to: "Package.swift")
        try write("", to: "Sources/loads/Main.swift")
        // The virtual environments are there.
        for name in ["httpbin", "clients", "outputs"] {
            let requirements = try String(contentsOfFile: path + "/bin/support/\(name).txt", encoding: .utf8)
            try FileManager.default.createDirectory(
                atPath: path + "/.build-tools/" + name, withIntermediateDirectories: true)
            try write(requirements, to: ".build-tools/\(name)/requirements.txt")
        }
        try play("dpkg-query", "printf installed")
        try play("apt-get", "echo unexpected apt-get >&2; exit 1")
        try play("swift", "echo unexpected swift >&2; exit 1")
        if built { try build() }
    }

    /// Makes the executables, newer than every source.
    func build() throws {
        let old = Date(timeIntervalSinceNow: -60)
        for file in ["/Package.swift", "/Sources", "/Sources/loads", "/Sources/loads/Main.swift"] {
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: path + file)
        }
        for program in ["loads", "loads-agent", "loads-master"] {
            try script(
                #"for argument in "$@"; do echo "<$argument>"; done; exit "${CODE:-0}""#,
                at: path + "/.build/release/" + program)
            try write("", to: ".build/\(program).stamp")
        }
    }

    /// Puts a program of this name before the system's.
    func play(_ name: String, _ body: String) throws { try script(body, at: tools + "/" + name) }

    /// The executable with the tests of Swift Testing.
    func playTests(_ body: String) throws {
        try FileManager.default.createDirectory(
            atPath: path + "/.build/debug", withIntermediateDirectories: true)
        try script(body, at: path + "/.build/debug/loadsPackageTests.xctest")
    }

    func write(_ text: String, to file: String) throws {
        try text.write(toFile: path + "/" + file, atomically: true, encoding: .utf8)
    }

    /// Runs one of its commands; the played programs come before the system's.
    func run(
        _ command: String, _ arguments: [String] = [], from directory: String = "/",
        environment: [String: String?] = [:]
    ) async throws -> ChildProcess.Outcome {
        var variables = environment
        variables["PATH"] = tools + ":/usr/bin:/bin"
        let file = command.hasPrefix("/") ? command : path + "/" + command
        return try await ChildProcess.run([file] + arguments, environment: variables, directory: directory)
    }

    private func script(_ body: String, at file: String) throws {
        try "#!/bin/bash\n\(body)\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    }
}
