import Glibc

/// A wait status for a person.
enum ExitReason {
    static func describe(_ status: Int32) -> String {
        let signal = status & 0x7f
        if signal == 0 { return "exit code \((status >> 8) & 0xff)" }
        let name = names[signal].map { " (\($0))" } ?? ""
        return "signal \(signal)\(name)"
    }

    private static let names: [Int32: String] = [
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL, often a Swift trap",
        SIGINT: "SIGINT", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM",
        SIGTRAP: "SIGTRAP, often a Swift trap",
    ]
}
