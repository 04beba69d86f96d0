import Glibc

extension ProcessUsage {
    /// What a process of this machine has used so far; zero if it cannot be told.
    static func of(_ process: pid_t) -> ProcessUsage {
        // The name in parentheses may hold anything: what counts begins behind the last one.
        guard let text = read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return ProcessUsage() }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // Numbers 14, 15 and 24 of proc(5); the first one here is number 3.
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let pages = Int(fields[21])
        else { return ProcessUsage() }
        return ProcessUsage(
            cpuSeconds: (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))),
            residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
