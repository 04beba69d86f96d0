import LoadsCore
import Synchronization
import XCTest

/// The iterations that test case instances belong to: XCTest reports a time-out of `wait(for:)` from a queue of its own,
/// where the iteration's task-locals are out of sight, but on the instance.
final class CaseRegistry: Sendable {
    static let shared = CaseRegistry()

    // In parts, so that loops do not wait for each other.
    private let parts = (0..<16).map { _ in Part() }

    private final class Part: Sendable {
        let contexts = Mutex<[ObjectIdentifier: IterationContext]>([:])
    }

    private func part(of instance: XCTestCase) -> Part {
        // Allocations are 16 bytes apart at least.
        let address = UInt(bitPattern: Unmanaged.passUnretained(instance).toOpaque())
        return parts[Int(truncatingIfNeeded: (address >> 4) ^ (address >> 12)) & 15]
    }

    func insert(_ instance: XCTestCase, _ context: IterationContext) {
        part(of: instance).contexts.withLock { $0[ObjectIdentifier(instance)] = context }
    }

    func remove(_ instance: XCTestCase) {
        part(of: instance).contexts.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(instance)) }
    }

    func context(of instance: XCTestCase) -> IterationContext? {
        part(of: instance).contexts.withLock { $0[ObjectIdentifier(instance)] }
    }
}
