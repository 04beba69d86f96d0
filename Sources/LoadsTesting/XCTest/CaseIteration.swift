import LoadsCore
import Synchronization
import XCTest

/// One iteration of an XCTest test: what XCTest would keep in the test case and its run.
final class CaseIteration: @unchecked Sendable {
    // @unchecked: all but the blocks is touched by the iteration's own task; blocks may be added from anywhere.

    @TaskLocal static var current: CaseIteration?

    typealias Block = () async throws -> Void

    /// The asynchronous body, handed over by the interposed `asyncTest`.
    var asyncBody: Block?
    let instance: XCTestCase
    private let blocks = Mutex(Blocks())

    private struct Blocks: @unchecked Sendable {
        // @unchecked: each is called once, by the iteration's task.
        var list: [Block] = []
    }

    init(_ instance: XCTestCase) { self.instance = instance }

    func addTeardownBlock(_ block: @escaping Block) {
        let blocks = Blocks(list: [block])
        self.blocks.withLock { $0.list += blocks.list }
    }

    /// The last added first, those that a block adds included.
    func nextTeardownBlock() -> Block? {
        blocks.withLock { blocks in Blocks(list: blocks.list.popLast().map { [$0] } ?? []) }.list.first
    }
}

/// Where assertion failures of XCTest go in a load run.
enum CaseFailure {
    /// - Parameter instance: The test case that XCTest reports to: an iteration's own, or the ``Router``.
    /// - Returns: Whether it was taken: false outside a load run.
    static func record(_ description: String, file: String, line: Int, on instance: XCTestCase) -> Bool {
        if let context = IterationContext.current ?? CaseRegistry.shared.context(of: instance) {
            context.fail(at: Places.shared.source(file, line), message: description)
            return true
        }
        guard LoadProcess.isRunning else { return false }
        OrphanFailures.record()
        return true
    }
}
