public import ArgumentParser
public import Logging

/// The options of a server's log: `--log-level` and `--log-format`.
public struct LogOptions: ParsableArguments {
    /// What is less than this is not written.
    @Option(
        help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError("no such level (try info, or debug)")
            }
            return level
        })
    public var logLevel: Logger.Level = .info

    /// How a line looks.
    @Option(help: "text or json.")
    public var logFormat: LogFormat = .text

    /// The standard: `info`, as text.
    public init() {}

    /// The log that these options ask for, on standard error.
    public func logger(_ label: String) -> Logger {
        let handler = ServiceLogHandler(level: logLevel, format: logFormat)
        return Logger(label: label) { _ in handler }
    }
}

extension LogFormat: ExpressibleByArgument {}
