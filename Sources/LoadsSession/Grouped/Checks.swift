internal import LoadsCore

/// Records whether something held, without failing the iteration.
///
/// ```swift
/// guard check("has token", response.text.contains("token")) else { return }
/// ```
///
/// The summary lists checks by name, with how many passed; a threshold may demand a share: `--expect 'checks(has token) > 99%'`.
/// For what must hold use an expectation of your test library. A check that failed fails the steps around it. Outside a
/// load run it only returns its value.
///
/// - Parameters:
///   - name: What it is counted under. There is room for `--max-names` of them.
///   - passed: Whether it held.
///   - tags: Further marks, part of the name it is counted under.
/// - Returns: `passed`.
@discardableResult
public func check(_ name: String, _ passed: Bool, tags: [String: String] = [:]) -> Bool {
    IterationContext.current?.recordCheck(TaggedName.text(name, tags), passed: passed)
    return passed
}
