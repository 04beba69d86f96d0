import LoadsCore
import LoadsEventLoop
import LoadsWire

/// How an agent and a runner process talk: a pure structure between the process's pipes and the runner protocol's
/// commands and reports. The process asks it what to do; it has no clock and no descriptor.
protocol RunnerSpeech {
    /// Says a command.
    mutating func send(_ command: RunnerCommand, at now: Instant) -> [SpeechAction]
    /// Takes what the process wrote to its results pipe.
    ///
    /// - Throws: ``WireError`` when it cannot be understood and nothing that comes after it can.
    mutating func take(_ bytes: UnsafeRawBufferPointer, at now: Instant) throws(WireError) -> [SpeechAction]
    /// The process has closed its results pipe.
    mutating func closed(at now: Instant) -> [SpeechAction]
    /// When ``tick(at:_:mayReport:)`` wants to be called; nil is not at all.
    var wakeUp: Instant? { get }
    /// Does what is due.
    ///
    /// - Parameters:
    ///   - usage: What the process has used so far.
    ///   - mayReport: Whether the agent takes a report now; what is not reported is kept and merged.
    mutating func tick(at now: Instant, _ usage: ProcessUsage, mayReport: Bool) -> [SpeechAction]
    /// The process has ended and its pipes are empty: what is left to report.
    ///
    /// - Parameter well: It exited with 0, and nobody killed it.
    mutating func exited(well: Bool, at now: Instant) -> [SpeechAction]
}

/// What is to be done for a ``RunnerSpeech``.
enum SpeechAction: Equatable {
    /// Write to the process.
    case write([UInt8])
    /// Close what it is written to on.
    case closeInput
    /// Pass a message of the runner protocol on.
    case report([UInt8])
    /// Kill the process if it has not ended within a time.
    case expectEnd(within: Duration, reason: String)
}

/// What a process has used since it started.
struct ProcessUsage: Equatable {
    var cpuSeconds: Double = 0
    var residentBytes = 0
}

/// The dialect `messages`: the runner protocol itself, each message with its length before it.
struct FrameSpeech: RunnerSpeech {
    private var parser = FrameParser()

    /// How long a runner may take to exit once it has reported its end or closed its pipe: test suites tear down then.
    static let exitPatience = Duration.seconds(60)

    mutating func send(_ command: RunnerCommand, at now: Instant) -> [SpeechAction] {
        [.write(FrameParser.frame(command.encoded()))]
    }

    mutating func take(_ bytes: UnsafeRawBufferPointer, at now: Instant) throws(WireError) -> [SpeechAction] {
        parser.append(bytes)
        var actions: [SpeechAction] = []
        while let message = try parser.next() { actions.append(.report(message)) }
        return actions
    }

    mutating func closed(at now: Instant) -> [SpeechAction] {
        [.expectEnd(within: Self.exitPatience, reason: "it closed its report pipe and did not exit")]
    }

    var wakeUp: Instant? { nil }
    mutating func tick(at now: Instant, _ usage: ProcessUsage, mayReport: Bool) -> [SpeechAction] { [] }
    mutating func exited(well: Bool, at now: Instant) -> [SpeechAction] { [] }
}
