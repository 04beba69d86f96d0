import Testing

/// The conditions (`.disabled`, `.enabled(if:)`) of tests and of the suites around them.
struct Conditions {
    /// All tests and suites of the process.
    let tests: [Test]

    /// Evaluates the conditions of each test, the outermost suite's first, as Swift Testing does.
    ///
    /// - Returns: The tests that may run, and of the others a line each that says why not.
    func sort(_ wanted: [(identifier: String, test: Test)]) async -> (
        enabled: [(identifier: String, test: Test)], disabled: [String]
    ) {
        var enabled: [(identifier: String, test: Test)] = []
        var disabled: [String] = []
        for (identifier, test) in wanted {
            if let reason = await obstacle(to: test) {
                disabled.append("\(identifier) is disabled" + (reason.isEmpty ? "" : " (\(reason))"))
            } else {
                enabled.append((identifier, test))
            }
        }
        return (enabled, disabled)
    }

    /// Why a test may not run; nil if it may.
    private func obstacle(to test: Test) async -> String? {
        let around = tests.filter { $0.isSuite && $0.id.contains(test.id) }
            .sorted { $0.id.nameComponents.count < $1.id.nameComponents.count }
        for trait in (around + [test]).flatMap(\.traits) {
            guard let condition = trait as? ConditionTrait else { continue }
            do {
                if try await condition.evaluate() { continue }
                return condition.comments.map(\.rawValue).joined(separator: ", ")
            } catch {
                return "its condition threw \(error)"
            }
        }
        return nil
    }
}
