import LoadsCore
public import Testing

/// Makes a test's description, as the `@Test` and `@Suite` macros do.
typealias TestGenerator = @Sendable () async -> Test

@_silgen_name("loads_original_store")
func originalStore(
    _ generator: @escaping TestGenerator, _ out: UnsafeMutableRawPointer, _ type: UnsafeRawPointer
) -> CBool

/// Stands in for `Test.__store(_:into:asTypeAt:)`, which the accessor of each test's record calls: that is how every
/// test of the process passes through here, before Swift Testing sees it.
@_silgen_name("loads_hook_store") @usableFromInline
func hookStore(
    _ generator: @escaping @Sendable () async -> Test, _ out: UnsafeMutableRawPointer, _ type: UnsafeRawPointer
) -> CBool {
    if type == TestDiscovery.ownRequest {
        out.initializeMemory(as: TestGenerator.self, to: generator)
        return true
    }
    return originalStore({ TestEdits.shared.applied(to: await generator()) }, out, type)
}

/// Thrown by `Test.cancel()` in an iteration.
struct IterationCancelled: Error {}

@_silgen_name("loads_original_cancel")
func originalCancel(_ comment: Comment?, sourceLocation: SourceLocation) throws -> Never

/// Stands in for `Test.cancel(_:sourceLocation:)`, which would cancel the user's task, and with it all its iterations:
/// it ends this one.
@_silgen_name("loads_hook_cancel") @usableFromInline
func hookCancel(_ comment: Comment?, sourceLocation: SourceLocation) throws -> Never {
    if IterationContext.current != nil { throw IterationCancelled() }
    try originalCancel(comment, sourceLocation: sourceLocation)
}
