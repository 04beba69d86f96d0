import Glibc
import LoadsWire

/// Measures what the machine, and the agent with its runners use, from `/proc`.
struct HostMeter {
    private var ticks: (busy: UInt64, at: Int64)?
    private var network: (received: UInt64, sent: UInt64, at: Int64)?
    private let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    private let pageBytes = sysconf(Int32(_SC_PAGESIZE))

    /// - Parameters:
    ///   - runners: The processes of living runners; those that have ended count as the agent's own.
    ///   - now: Nanoseconds of the monotonic clock.
    mutating func measure(runners: [pid_t], at now: Int64) -> HostUsage {
        var usage = HostUsage()
        if let busy = Self.text("/proc/stat").flatMap(Self.busyTicks) {
            if let last = ticks, now > last.at {
                usage.busyCores = Double(busy &- last.busy) / ticksPerSecond / (Double(now - last.at) / 1e9)
            }
            ticks = (busy, now)
        }
        if let (received, sent) = Self.text("/proc/net/dev").map(Self.networkBytes) {
            if let last = network, now > last.at {
                let seconds = Double(now - last.at) / 1e9
                // A counter that begins anew (an interface that goes) is no traffic.
                usage.receivedBytesPerSecond =
                    received >= last.received ? Double(received - last.received) / seconds : 0
                usage.sentBytesPerSecond = sent >= last.sent ? Double(sent - last.sent) / seconds : 0
            }
            network = (received, sent, now)
        }
        for process in ["self"] + runners.map({ "\($0)" }) {
            if let stat = Self.text("/proc/\(process)/stat").flatMap(Self.processFields) {
                usage.cpuSeconds += Double(stat.ticks) / ticksPerSecond
                usage.residentBytes += stat.pages * pageBytes
            }
            usage.descriptors += Files.list("/proc/\(process)/fd").count
        }
        return usage
    }

    /// Memory of the machine, in bytes.
    static var memoryBytes: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    private static func text(_ path: String) -> String? {
        Files.read(path, limit: 64 << 10).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The ticks in which cores were busy, from the first line of `/proc/stat` (proc(5)): user, nice, system, idle,
    /// iowait, irq, softirq, steal; what guests use is in user and nice.
    static func busyTicks(_ text: String) -> UInt64? {
        guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let numbers = line.split(separator: " ").dropFirst().map { UInt64($0) ?? 0 }
        guard numbers.count >= 7 else { return nil }
        return numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6] + (numbers.count > 7 ? numbers[7] : 0)
    }

    /// Bytes over all interfaces but loopback, from `/proc/net/dev`.
    static func networkBytes(_ text: String) -> (received: UInt64, sent: UInt64) {
        var sum: (received: UInt64, sent: UInt64) = (0, 0)
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":"), !line.contains("|") else { continue }
            let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) ?? 0 }
            let name = line[..<colon].drop { $0 == " " }
            guard name != "lo", numbers.count >= 9 else { continue }
            sum.received &+= numbers[0]
            sum.sent &+= numbers[8]
        }
        return sum
    }

    /// CPU ticks (own, and of children that were waited for) and resident pages, from `/proc/PID/stat`. The name in
    /// parentheses may hold anything, parentheses too.
    static func processFields(_ text: String) -> (ticks: UInt64, pages: Int)? {
        guard let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count >= 22 else { return nil }
        let ticks = fields[11...14].reduce(UInt64(0)) { $0 &+ (UInt64($1) ?? 0) }
        return (ticks, Int(fields[21]) ?? 0)
    }
}
