import LoadsCore

extension RunnerCommand {
    /// The message, without a length prefix.
    public func encoded() -> [UInt8] {
        let packer = Packer()
        switch self {
        case .run(let order):
            packer.map(5)
            packer.head("run")
            packer.string("plan")
            order.plan.pack(into: packer)
            packer.field("scenarios", order.scenarios)
            packer.string("options")
            packer.map(order.options.count)
            for (key, values) in order.options.sorted(by: { $0.key < $1.key }) { packer.field(key, values) }
        case .start(let at):
            packer.map(3)
            packer.head("start")
            packer.field("at_ns", at)
        case .adjust(let adjustment):
            packer.map(5)
            packer.head("adjust")
            packer.field("users", adjustment.users)
            packer.field("first_new_user", adjustment.firstNewUser)
            packer.field("at_ns", adjustment.at)
        case .rawHits(let wanted):
            packer.map(3)
            packer.head("raw_hits")
            packer.field("wanted", wanted)
        case .stop:
            packer.map(2)
            packer.head("stop")
        case .abort:
            packer.map(2)
            packer.head("abort")
        }
        return packer.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Unpacker.withRoot(of: bytes) { root throws(WireError) in
            switch try root.type() {
            case "run":
                var order = RunnerOrder(plan: try Plan(root.field("plan")))
                order.scenarios = try root.field("scenarios").strings()
                var options: [String: [String]] = [:]
                try root.field("options").forEachEntry { key, node throws(WireError) in
                    options[key] = try node.strings()
                }
                order.options = options
                return .run(order)
            case "stop": return .stop
            case "abort": return .abort
            case let type: throw .unknown(type, "command")
            }
        }
    }
}

extension RunnerReport {
    /// The messages, without length prefixes: one, or for a large batch several that merge to it.
    public func encoded() -> [[UInt8]] {
        if case .batch(let batch) = self { return batch.parts().map { Self.pack(.batch($0)) } }
        return [Self.pack(self)]
    }

    private static func pack(_ report: RunnerReport) -> [UInt8] {
        let packer = Packer()
        switch report {
        case .hello(let kind, let process):
            packer.map(4)
            packer.head("hello")
            packer.field("kind", kind)
            packer.field("process", process)
        case .ready:
            packer.map(2)
            packer.head("ready")
        case .started(let late):
            packer.map(3)
            packer.head("started")
            packer.field("late_s", late)
        case .batch(let batch):
            packer.map(2 + Statistics.fieldCount + (batch.hits.isEmpty ? 0 : 1))
            packer.head("batch")
            batch.statistics.packFields(into: packer)
            if !batch.hits.isEmpty {
                packer.string("hits")
                HitColumns.pack(batch.hits, into: packer)
            }
        case .note(let text):
            packer.map(3)
            packer.head("note")
            packer.field("text", text)
        case .ended(let interrupted, let seconds):
            packer.map(4)
            packer.head("ended")
            packer.field("interrupted", interrupted)
            packer.field("seconds", seconds)
        case .refused(let code, let message):
            packer.map(4)
            packer.head("refused")
            packer.field("code", code)
            packer.field("message", message)
        }
        return packer.bytes
    }

    /// Reads a message.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Unpacker.withRoot(of: bytes) { root throws(WireError) in
            switch try root.type() {
            case "hello":
                return .hello(
                    kind: try root.field("kind").string(),
                    process: try root.field("process").int(in: 1...Int(Int32.max)))
            case "ready": return .ready
            case "started": return .started(late: try root.field("late_s").double())
            case "batch":
                var batch = Batch(statistics: try Statistics(root))
                if let hits = try root.optional("hits") { batch.hits = try HitColumns.unpack(hits) }
                return .batch(batch)
            case "note": return .note(try root.field("text").string())
            case "ended":
                return .ended(
                    interrupted: try root.field("interrupted").bool(), seconds: try root.field("seconds").double())
            case "refused":
                return .refused(
                    code: try root.field("code").int(in: 1...255), message: try root.field("message").string())
            case let type: throw .unknown(type, "report")
            }
        }
    }
}

extension Packer {
    /// The two fields that every message begins with.
    fileprivate func head(_ type: String) {
        field("v", WireLimits.version)
        field("type", type)
    }
}

extension Node {
    /// The type of a message whose version this side speaks.
    fileprivate func type() throws(WireError) -> String {
        let version = try field("v").int(in: 0...Int.max)
        guard version == WireLimits.version else {
            throw WireError(
                code: .version,
                message:
                    "a message of protocol version \(version), but this side speaks version \(WireLimits.version): "
                    + "build the runner and loads from the same release")
        }
        return try field("type").string()
    }
}

extension WireError {
    fileprivate static func unknown(_ type: String, _ kind: String) -> WireError {
        WireError(code: .field, message: "no \(kind) is named \"\(type.prefix(40))\"")
    }
}
