internal import LoadsCore
internal import LoadsEventLoop

/// Measures a transaction of several requests as one step of the iteration.
///
/// ```swift
/// let order = try await step("checkout") {
///     try await session.post("/cart", json: item).requireSuccess()
///     return try await session.post("/order").json(Order.self)
/// }
/// ```
///
/// The summary lists steps by name, with their durations. A step failed if its body throws, or if an expectation or a
/// ``check(_:_:tags:)`` in it failed; so did the steps around it. One that is cancelled with its iteration is not counted.
/// Steps nest, and run side by side in child tasks. Outside a load run the body runs and nothing is measured.
///
/// - Parameters:
///   - name: What it is counted under. There is room for `--max-names` of them.
///   - tags: Further marks, part of the name it is counted under: `checkout{plan=pro}`.
///   - body: The requests, and what belongs to them.
/// - Returns: What the body returns.
/// - Throws: What the body throws.
public func step<Value>(
    _ name: String, tags: [String: String] = [:], isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Value
) async rethrows -> Value {
    guard let context = IterationContext.current else { return try await body() }
    let scope = StepScope(in: StepScope.current)
    let clock = StepClock(context, scope, name, tags)
    do {
        let value = try await StepScope.$current.withValue(scope, operation: body, isolation: isolation)
        clock.end(threw: false)
        return value
    } catch {
        clock.end(threw: true)
        throw error
    }
}

/// The same for a body that does not suspend: for tests that are not asynchronous.
public func step<Value>(
    _ name: String, tags: [String: String] = [:], _ body: () throws -> Value
) rethrows -> Value {
    guard let context = IterationContext.current else { return try body() }
    let scope = StepScope(in: StepScope.current)
    let clock = StepClock(context, scope, name, tags)
    do {
        let value = try StepScope.$current.withValue(scope, operation: body)
        clock.end(threw: false)
        return value
    } catch {
        clock.end(threw: true)
        throw error
    }
}

/// The time of one step.
private struct StepClock {
    let context: IterationContext
    let scope: StepScope
    let name: String
    let start = Instant.now

    init(_ context: IterationContext, _ scope: StepScope, _ name: String, _ tags: [String: String]) {
        self.context = context
        self.scope = scope
        self.name = TaggedName.text(name, tags)
    }

    func end(threw: Bool) {
        if threw, Task.isCancelled { return }
        context.recordStep(name, duration: Instant.now.nanoseconds(since: start), failed: threw || scope.hasFailed)
    }
}
