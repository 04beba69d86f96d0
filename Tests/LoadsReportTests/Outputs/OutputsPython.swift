import Foundation
import Testing

/// The Python with the libraries that read what is written: `bin/test` names it in `LOADS_TEST_OUTPUTS_PYTHON`.
enum OutputsPython {
    static let path = ProcessInfo.processInfo.environment["LOADS_TEST_OUTPUTS_PYTHON"]

    /// Runs a script to its end.
    ///
    /// - Returns: What it printed.
    static func run(_ script: String, _ arguments: [String]) throws -> String {
        try succeed([try #require(path), "-c", script] + arguments)
    }

    /// Runs a program that must succeed.
    @discardableResult static func succeed(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(words[0]): \(complaint)")
        return text
    }
}
