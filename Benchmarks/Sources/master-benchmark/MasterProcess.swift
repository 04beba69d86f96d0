import Foundation

/// A `loads-master` with its data in a directory, and what it uses.
final class MasterProcess {
    let control: String
    private let process = Process()

    /// What the process has used so far.
    struct Usage {
        /// User and system time of all its threads, in seconds, and of each thread by name.
        var cpu = 0.0
        var threads: [String: Double] = [:]
        var residentMiB = 0.0
        /// Given to the disk.
        var writtenMiB = 0.0
    }

    /// Starts it, and returns when it is ready.
    init(_ executable: String, data: String) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = [
            "--control", "tcp://127.0.0.1:0", "--results", "tcp://127.0.0.1:0", "--stream", "tcp://127.0.0.1:0",
            "--data", data, "--log-level", "warning",
        ]
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let field = line.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("control=") }
        guard let field else { throw Failure("\(executable) did not get ready: \(line)") }
        control = String(field.dropFirst("control=".count))
    }

    var identifier: Int32 { process.processIdentifier }

    /// Kills it: nothing that it has not stored is stored.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var usage: Usage {
        var usage = Usage()
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        let tasks = "/proc/\(identifier)/task"
        for task in (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? [] {
            guard let stat = try? String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8),
                let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
            else { continue }
            let fields = stat[close...].split(separator: " ")
            let name = String(stat[stat.index(after: open)..<close])
            usage.threads[name, default: 0] += (Double(fields[12])! + Double(fields[13])!) / ticks
        }
        // Threads that have ended count here only.
        if let stat = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
            let close = stat.lastIndex(of: ")")
        {
            let fields = stat[close...].split(separator: " ")
            usage.cpu = (Double(fields[12])! + Double(fields[13])!) / ticks
            usage.residentMiB = Double(fields[22])! * Double(getpagesize()) / 1_048_576
        }
        if let io = try? String(contentsOfFile: "/proc/\(identifier)/io", encoding: .utf8),
            let line = io.split(separator: "\n").first(where: { $0.hasPrefix("write_bytes:") })
        {
            usage.writtenMiB = (Double(line.split(separator: " ").last!) ?? 0) / 1_048_576
        }
        return usage
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
