/// Finds the tests that a target on the command line means.
public struct TargetMatcher: Sendable {
    /// All tests of the package.
    public let tests: [TestEntry]

    /// - Parameter tests: All tests of the package.
    public init(tests: [TestEntry]) { self.tests = tests }

    /// The tests meant by several targets, each once, in the order of the targets.
    ///
    /// A target is a test (`Module.Suite/test`, `Module.Suite.test`, with or without `()`), a suite (`Module.Suite`)
    /// or a module.
    ///
    /// - Throws: All targets that mean no test, each with the nearest names; exit code 69.
    public func match(_ targets: [String]) throws(PackageError) -> [TestEntry] {
        var found: [TestEntry] = []
        var seen: Set<String> = []
        var problems: [String] = []
        for target in targets {
            let matches = tests(meantBy: target)
            if matches.isEmpty { problems.append(problem(with: target)) }
            for test in matches where seen.insert(test.id).inserted { found.append(test) }
        }
        guard problems.isEmpty else { throw PackageError(exitCode: 69, message: problems.joined(separator: "\n")) }
        return found
    }

    private func tests(meantBy target: String) -> [TestEntry] {
        let wanted = Self.normalized(target)
        let exact = tests.filter { Self.normalized($0.id) == wanted }
        if !exact.isEmpty { return exact }
        // Overloads bear their argument labels; their common name means all of them.
        let overloads = tests.filter { Self.withoutLabels(Self.normalized($0.id)) == wanted }
        if !overloads.isEmpty { return overloads }
        return tests.filter { Self.normalized($0.id).hasPrefix(wanted + ".") }
    }

    /// `/` and `.` mean the same; `test()` is `test`.
    private static func normalized(_ name: String) -> String {
        let dotted = name.hasSuffix("()") ? String(name.dropLast(2)) : name
        return dotted.replacing("/", with: ".")
    }

    private static func withoutLabels(_ name: String) -> String {
        guard name.hasSuffix(")"), let open = name.lastIndex(of: "(") else { return name }
        return String(name[..<open])
    }

    // MARK: Unknown targets

    private func problem(with target: String) -> String {
        if tests.isEmpty { return "no such test: \(target) (the package has no tests)" }
        let near = nearest(to: target)
        let advice = near.isEmpty ? "" : "; did you mean \(near.joined(separator: ", "))?"
        return "no such test: \(target)\(advice) (`loads list` shows all)"
    }

    /// At most three names of tests and suites, the nearest first.
    func nearest(to target: String) -> [String] {
        var names = Set(tests.map(\.id))
        for test in tests { if let suite = test.id.split(separator: "/").first { names.insert(String(suite)) } }
        let wanted = Array(Self.normalized(target).lowercased().utf8)
        let last = wanted.split(separator: UInt8(ascii: ".")).last.map(Array.init) ?? wanted
        // Somebody who leaves out the module has the rest right.
        func distance(_ name: String) -> Int {
            let bytes = Array(Self.normalized(name).lowercased().utf8)
            let whole = EditDistance.between(bytes, wanted)
            let end =
                bytes.count >= wanted.count
                ? EditDistance.between(Array(bytes.suffix(wanted.count)), wanted) + 1 : whole
            let tail = bytes.split(separator: UInt8(ascii: ".")).last.map(Array.init) ?? bytes
            return min(whole, end, EditDistance.between(tail, last) + 2)
        }
        let limit = max(3, wanted.count / 2)
        return names.map { (name: $0, distance: distance($0)) }
            .filter { $0.distance <= limit }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(3).map(\.name)
    }
}
