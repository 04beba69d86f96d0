import CTesting
import Foundation
import LoadsCore
import LoadsRunner
import LoadsWire
import XCTest

/// A test process that was started by an agent or for a listing: what happens instead of XCTest's `XCTMain`.
///
/// It is always XCTest's entrance, for tests of both frameworks: it is called on the main thread with all XCTest tests,
/// and Swift Testing can be started from inside.
enum LoadProcess {
    static var isRunning: Bool { loads_current_mode() == loads_mode_run }

    static func main(_ entries: [XCTestCaseEntry]) -> Never {
        let cases = entries.flatMap { entry in
            entry.allTests.map { CaseScenario(entry.testCaseClass, $0.0, $0.1) }
        }
        if loads_current_mode() == loads_mode_list {
            Router.serve {
                Task.detached {
                    await TestListing.write(cases)
                    exit(0)
                }
            }
        }
        Router.serve {
            do {
                let connection = try RunnerConnection.open(kind: "swift-test")
                let order = try connection.order()
                Task { @MainActor in
                    await LoadRun(order: order, connection: connection, cases: cases).run()
                    exit(0)
                }
            } catch {
                FileHandle.standardError.write(Data("loads: \(error)\n".utf8))
                exit(70)
            }
        }
    }
}
