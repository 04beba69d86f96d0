import Foundation

extension TestPackage {
    /// Refuses targets whose module the package does not have, as long as nothing has been built: a typo then does not
    /// cost a build of minutes. After a build the list of the tests tells more, and this says nothing.
    ///
    /// - Throws: Exit code 69 with the nearest module names.
    public func refuseUnknownModules(of targets: [String]) async throws(PackageError) {
        // A manifest that cannot be read is the build's to report.
        guard !hasBeenBuilt, let modules = await testModules() else { return }
        let problems = targets.compactMap { Self.problem(with: $0, modules: modules) }
        if !problems.isEmpty { throw PackageError(exitCode: 69, message: problems.joined(separator: "\n")) }
    }

    /// What is wrong with a target in a package of these test modules; nil when its module is one of them.
    static func problem(with target: String, modules: [String]) -> String? {
        let module = String(target.prefix { $0 != "." && $0 != "/" })
        if modules.contains(module) { return nil }
        if modules.isEmpty { return "no such test: \(target) (the package has no tests)" }
        func distance(_ name: String) -> Int {
            EditDistance.between(Array(name.lowercased().utf8), Array(module.lowercased().utf8))
        }
        let nearest = modules.min { (distance($0), $0) < (distance($1), $1) }!
        let advice =
            distance(nearest) <= max(2, module.utf8.count / 3)
            ? "did you mean \(nearest)\(target.dropFirst(module.count))?"
            : "a test is Module.Suite/test, and the test modules are \(modules.sorted().joined(separator: ", "))"
        return "no such test: \(target) (there is no test module \(module); \(advice))"
    }

    private var hasBeenBuilt: Bool {
        FileManager.default.fileExists(atPath: scratchPath + "/release")
            || FileManager.default.fileExists(atPath: logPath)
    }

    /// The modules of the package's test targets, by its manifest alone; nil when that cannot be read.
    private func testModules() async -> [String]? {
        struct Manifest: Decodable {
            struct Target: Decodable {
                var name: String
                var type: String
            }
            var targets: [Target]
        }
        let output = Lines()
        let command = Command(arguments: [
            "swift", "package", "dump-package", "--package-path", path, "--scratch-path", scratchPath,
        ])
        guard (try? await command.run { output.append($0) }) == 0 else { return nil }
        // Warnings come before the manifest.
        let json = output.all.drop { $0 != "{" }.joined(separator: "\n")
        let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(json.utf8))
        // As the compiler makes a module's name of a target's.
        return manifest?.targets.filter { $0.type == "test" }.map { target in
            String(target.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" ? $0 : "_" })
        }
    }
}
