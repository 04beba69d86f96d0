import Glibc
public import Logging

/// How a server writes its log, on standard error.
public enum LogFormat: String, Sendable, CaseIterable {
    /// `2026-11-25T23:00:00Z warning no word from the master …`
    case text
    /// One JSON object a line: `time`, `level`, `message`, and the metadata.
    case json
}

/// Writes a server's log to standard error, a line at a time.
public struct ServiceLogHandler: LogHandler {
    /// What is less than this is not written.
    public var logLevel: Logger.Level
    /// What every line carries besides its message.
    public var metadata: Logger.Metadata = [:]
    private let format: LogFormat
    private let descriptor: Int32

    /// - Parameters:
    ///   - level: What is less than this is not written.
    ///   - format: How a line looks.
    public init(level: Logger.Level = .info, format: LogFormat = .text) {
        self.init(level: level, format: format, descriptor: 2)
    }

    init(level: Logger.Level, format: LogFormat, descriptor: Int32) {
        logLevel = level
        self.format = format
        self.descriptor = descriptor
    }

    /// One entry of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(
            format, time: Self.time(), level: event.level, message: event.message.description,
            metadata: metadata.mapValues(\.description))
        // In one piece: other processes may write to the same place.
        _ = write(descriptor, line, line.utf8.count)
    }

    static func line(
        _ format: LogFormat, time: String, level: Logger.Level, message: String, metadata: [String: String]
    ) -> String {
        let metadata = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let end = metadata.map { " \($0.key)=\($0.value)" }.joined()
            return "\(time) \(level) \(message.replacing("\n", with: "\n    "))\(end)\n"
        case .json:
            let fields =
                [("time", time), ("level", "\(level)"), ("message", message)] + metadata.map { ($0.key, $0.value) }
            return "{" + fields.map { "\(quoted($0.0)):\(quoted($0.1))" }.joined(separator: ",") + "}\n"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The present, in UTC with milliseconds.
    private static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - "\(number)".count)) + "\(number)"
        }
        let date = "\(parts.tm_year + 1900)-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }.joined(separator: ":")
        return "\(date)T\(clock).\(padded(now.tv_nsec / 1_000_000, 3))Z"
    }
}
