import LoadsWire
import Testing

/// A message of any kind: its bytes, and whether they decode to it.
struct Sample: Sendable, CustomStringConvertible {
    /// The name of its vector.
    let name: String
    let bytes: [UInt8]
    /// Decodes, compares, and encodes again.
    let survives: @Sendable ([UInt8]) throws -> Bool
    /// Decodes other bytes as a message of this kind, writes what was accepted, and decodes that.
    let accepts: @Sendable ([UInt8]) throws -> Void

    var description: String { name }

    private init<Message: Sendable & Equatable>(
        _ name: String, _ message: Message, _ encode: @escaping @Sendable (Message) -> [UInt8],
        _ decode: @escaping @Sendable ([UInt8]) throws -> Message
    ) {
        self.name = name
        bytes = encode(message)
        survives = { bytes in
            let decoded = try decode(bytes)
            return decoded == message && encode(decoded) == bytes
        }
        accepts = { bytes in
            let written = encode(try decode(bytes))
            #expect(throws: Never.self) { _ = try decode(written) }
        }
    }

    static let all: [Sample] =
        Samples.commands.map {
            Sample("command-\($0.name)", $0.command, { $0.encoded() }, { try RunnerCommand(decoding: $0) })
        }
        + Samples.reports.map {
            // A warm-up is the last of several messages.
            Sample("report-\($0.name)", $0.report, { $0.encoded().last! }, { try RunnerReport(decoding: $0) })
        }
        + NetworkSamples.agents.map {
            Sample("agent-\($0.name)", $0.message, { $0.encoded() }, { try AgentMessage(decoding: $0) })
        }
        + NetworkSamples.masters.map {
            Sample("master-\($0.name)", $0.message, { $0.encoded() }, { try MasterMessage(decoding: $0) })
        }
        + NetworkSamples.results.map {
            Sample("result-\($0.name)", $0.message, { $0.encoded() }, { try ResultMessage(decoding: $0) })
        }
        + NetworkSamples.requests.map {
            Sample("request-\($0.name)", $0.message, { $0.encoded() }, { try ClientRequest(decoding: $0) })
        }
        + NetworkSamples.answers.map {
            Sample("answer-\($0.name)", $0.message, { $0.encoded()[0] }, { try ClientAnswer(decoding: $0) })
        }
        + NetworkSamples.streams.map {
            Sample("stream-\($0.name)", $0.message, { $0.encoded() }, { try StreamMessage(decoding: $0) })
        }
}
