import Foundation
import XCTest

/// The test case that XCTest believes to be running during a load run: all assertions report to it, and it passes them
/// on to the iterations they belong to.
final class Router: XCTestCase, @unchecked Sendable {
    // @unchecked: used on the main thread only.
    private var work: @MainActor () -> Void = {}

    /// Makes XCTest's assertions report here, runs `work` on the main thread, and keeps serving the main actor. The
    /// process ends by `exit`.
    static func serve(_ work: @escaping @MainActor () -> Void) -> Never {
        let router = Router(name: "loads", testClosure: { _ in })
        router.work = work
        router.run()
        fatalError("a router's run loop does not end")
    }

    override func invokeTest() {
        MainActor.assumeIsolated(work)
        // A run loop without a source returns at once.
        let keepAlive = Timer(timeInterval: 86_400, repeats: true) { _ in }
        RunLoop.main.add(keepAlive, forMode: .default)
        while true { _ = RunLoop.main.run(mode: .default, before: .distantFuture) }
    }

    override func recordFailure(
        withDescription description: String, inFile filePath: String, atLine lineNumber: Int, expected: Bool
    ) {
        _ = CaseFailure.record(description, file: filePath, line: lineNumber, on: self)
    }
}
