import Foundation

/// Processes of the tests, by the file that they write their number into.
enum Processes {
    /// Waits until the number is there.
    static func number(in file: String) async -> pid_t {
        while true {
            if let text = try? String(contentsOfFile: file, encoding: .utf8), text.hasSuffix("\n") {
                return pid_t(text.dropLast()) ?? -1
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until a process is no more; for at most a minute.
    static func isGone(_ process: pid_t) async -> Bool {
        for _ in 0..<6000 {
            // A zombie whose parent has died with it is taken by the init process, which may take its time.
            let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ") Z"
            if status.contains(") Z") { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
