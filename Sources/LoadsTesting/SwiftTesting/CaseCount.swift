import Testing

/// How many cases a test has.
enum CaseCount {
    /// - Parameter test: As a scope receives it, when its arguments have been evaluated.
    /// - Returns: nil if this version of Swift Testing keeps its cases elsewhere than expected.
    static func of(_ test: Test) -> Int? {
        guard test.isParameterized else { return 1 }
        // `testCases` is not public; the stored state is `.evaluated(any Sequence<Test.Case>)` by now.
        for child in Mirror(reflecting: test).children where child.label == "testCasesState" {
            guard let state = payload(of: child.value) else { return nil }
            for (label, value) in Mirror(reflecting: state).children where label == "evaluated" {
                guard let cases = value as? any Sequence else { return nil }
                return count(cases)
            }
        }
        return nil
    }

    /// The value in an optional.
    private static func payload(of value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        return mirror.displayStyle == .optional ? mirror.children.first?.value : value
    }

    private static func count(_ sequence: some Sequence) -> Int { sequence.reduce(0) { count, _ in count + 1 } }
}
