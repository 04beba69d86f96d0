import Foundation
import TestSupport
import Testing

/// What is in `Deploy/`, as far as it can be seen without a running systemd and without a container.
@Suite struct DeployTests {
    private static let analyzer = "/usr/bin/systemd-analyze"

    private func text(_ file: String) throws -> String {
        try String(contentsOfFile: Program.repository + "/" + file, encoding: .utf8)
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: analyzer), "there is no systemd here"),
        arguments: ["loads-master", "loads-agent"])
    func systemdFindsNothingWrongWithTheUnit(_ name: String) async throws {
        let directory = try TemporaryDirectory()
        // Where it is installed nothing is.
        let program = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appending(path: name).path
        let unit = try text("Deploy/\(name).service").replacing("/usr/local/bin/\(name)", with: program)
        let file = try directory.write(unit, to: "\(name).service")
        let outcome = try await ChildProcess.run([Self.analyzer, "verify", file])
        #expect(
            outcome.status == 0 && outcome.output == "" && outcome.errors == "", "\(outcome.output)\(outcome.errors)")
        // It looks.
        let wrong = try directory.write(unit.replacing("KillMode=mixed", with: "KillMode=some"), to: "wrong.service")
        let complaint = try await ChildProcess.run([Self.analyzer, "verify", wrong])
        #expect(complaint.errors.contains("kill mode"), "\(complaint.errors)")
    }

    /// The options in the unit and in the container file are those of the program.
    @Test(arguments: ["loads-master", "loads-agent"])
    func theOptionsAreTheProgramsOwn(_ name: String) async throws {
        let program = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appending(path: name).path
        let help = try await ChildProcess.succeed([program, "--help"])
        let unit = try text("Deploy/\(name).service").split(separator: "\n").filter { $0.hasPrefix("ExecStart=") }
        let kind = name == "loads-master" ? "master" : "agent"
        let container = try text("Deploy/Dockerfile.\(kind)").split(separator: "\n").drop {
            !$0.hasPrefix("ENTRYPOINT")
        }
        let options = (unit + container).joined(separator: " ").split { " \"[],".contains($0) }
            .filter { $0.hasPrefix("--") }
        #expect(options.count >= 3)
        for option in options { #expect(help.contains("\(option) "), "\(option) in \(name)") }
    }

    /// What is copied into a container is there, and is not kept out; what was resolved is built, where something was.
    @Test(arguments: ["master", "agent"]) func theContainerIsBuiltFromWhatIsThere(_ kind: String) throws {
        let lines = try text("Deploy/Dockerfile.\(kind)").split(separator: "\n")
        let copied = lines.filter { $0.hasPrefix("COPY ") && !$0.contains("--from") }.flatMap {
            $0.split(separator: " ").dropFirst().dropLast()
        }
        #expect(copied.contains("Package.resolved*"))
        let ignored = try text(".dockerignore").split(separator: "\n")
        #expect(ignored.first == "*")
        for file in copied {
            #expect(ignored.contains("!\(file)"), "\(file)")
            if !file.hasSuffix("*") {
                #expect(FileManager.default.fileExists(atPath: "\(Program.repository)/\(file)"), "\(file)")
            }
        }
        // Builds of the packages among the tests.
        #expect(ignored.last == "**/.build*")
        let manifest = try text("Package.swift")
        for path in manifest.matches(of: /path: "([A-Za-z]+)\//).map({ String($0.1) }) {
            #expect(copied.contains { $0 == path }, "\(path)")
        }
    }
}
