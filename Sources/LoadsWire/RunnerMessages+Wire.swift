import LoadsCore

/// A message as the wire carries it: a map with `v`, the version, and `type`.
private func message(_ type: String, _ fields: [String: WireValue] = [:]) -> [UInt8] {
    var fields = fields
    fields["v"] = .int(Int64(WireVersion.current))
    fields["type"] = .string(type)
    return WireValue.map(fields).packed()
}

private func open(_ bytes: [UInt8]) throws(WireError) -> (type: String, fields: WireMap) {
    let map = try WireMap(try WireValue(unpacking: bytes), "message")
    let version = try map.count("v")
    guard version == WireVersion.current else {
        throw WireError("the other side speaks version \(version), this side version \(WireVersion.current): update the older one")
    }
    return (try map.string("type"), map)
}

extension RunnerCommand {
    /// The MessagePack form; see Docs/RunnerProtocol.md.
    public func encoded() -> [UInt8] {
        switch self {
        case .run(let order):
            message(
                "run",
                [
                    "plan": order.plan.wire, "scenarios": .array(order.scenarios.map { .string($0) }),
                    "options": .map(order.options.mapValues { .array($0.map { .string($0) }) }),
                ])
        case .stop: message("stop")
        case .abort: message("abort")
        }
    }

    /// Reads the MessagePack form.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let (type, fields) = try open(bytes)
        switch type {
        case "run":
            var options: [String: [String]] = [:]
            for key in try fields.entries("options").keys { options[key] = try fields.map("options").strings(key) }
            self = .run(
                RunnerOrder(
                    plan: try Plan(try fields.map("plan")), scenarios: try fields.strings("scenarios"), options: options))
        case "stop": self = .stop
        case "abort": self = .abort
        default: throw WireError("message.type: no command is called \(type)")
        }
    }
}

extension RunnerReport {
    /// The MessagePack form; see Docs/RunnerProtocol.md.
    public func encoded() -> [UInt8] {
        switch self {
        case .hello(let kind, let process):
            message("hello", ["kind": .string(kind), "process": .int(Int64(process))])
        case .started: message("started")
        case .batch(let batch): message("batch", ["batch": batch.wire])
        case .note(let text): message("note", ["text": .string(text)])
        case .ended(let interrupted): message("ended", ["interrupted": .bool(interrupted)])
        case .refused(let code, let text): message("refused", ["code": .int(Int64(code)), "text": .string(text)])
        }
    }

    /// Reads the MessagePack form.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let (type, fields) = try open(bytes)
        switch type {
        case "hello": self = .hello(kind: try fields.string("kind"), process: try fields.count("process"))
        case "started": self = .started
        case "batch": self = .batch(try Batch(try fields.map("batch")))
        case "note": self = .note(try fields.string("text"))
        case "ended": self = .ended(interrupted: try fields.bool("interrupted"))
        case "refused": self = .refused(code: try fields.count("code"), message: try fields.string("text"))
        default: throw WireError("message.type: no report is called \(type)")
        }
    }
}
