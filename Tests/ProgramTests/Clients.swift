import Foundation
import TestSupport

/// Where the agents in other languages are, and what they need.
enum Clients {
    static let path = Program.repository + "/Clients"
    static let environment = ["PYTHONPATH": path + "/python", "PYTHONDONTWRITEBYTECODE": "1"]
    static let nodeAgent = ["node", path + "/node/bin/loads-agent.mjs"]

    /// `bin/test` makes the virtual environment with pyzmq and msgpack.
    static func python() throws -> String {
        guard let python = ProcessInfo.processInfo.environment["LOADS_TEST_CLIENTS_PYTHON"] else {
            throw SupportError("pyzmq and msgpack are not there: run the tests with bin/test, which installs them")
        }
        return python
    }

    static func pythonAgent() throws -> [String] { [try python(), "-m", "loads.agent"] }

    /// An executable that was built beside the tests.
    static func built(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
    }
}
