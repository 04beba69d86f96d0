import LoadsCore

extension RunnerCommand {
    /// The message, without a length prefix.
    public func encoded() -> [UInt8] {
        switch self {
        case .run(let order): Packer.message("run") { order.pack(into: $0) }
        case .start(let at): Packer.message("start") { $0.field("at_ns", at) }
        case .adjust(let adjustment): Packer.message("adjust") { adjustment.pack(into: $0) }
        case .rawHits(let wanted): Packer.message("raw_hits") { $0.field("wanted", wanted) }
        case .stop: Packer.message("stop")
        case .abort: Packer.message("abort")
        }
    }

    /// Reads a message.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            switch try root.type() {
            case "run": return .run(try RunnerOrder(root))
            case "start": return .start(at: try root.field("at_ns").clock())
            case "adjust": return .adjust(try Adjustment(root))
            case "raw_hits": return .rawHits(try root.field("wanted").bool())
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
        switch report {
        case .hello(let kind, let process):
            Packer.message("hello") { packer in
                packer.field("kind", kind)
                packer.field("process", process)
            }
        case .ready: Packer.message("ready")
        case .started(let late): Packer.message("started") { $0.field("late_s", late) }
        case .batch(let batch): Packer.message("batch") { batch.pack(into: $0) }
        case .note(let text): Packer.message("note") { $0.field("text", text) }
        case .value(let bytes): Packer.message("value") { $0.field("value", bytes) }
        case .ended(let interrupted, let seconds):
            Packer.message("ended") { packer in
                packer.field("interrupted", interrupted)
                packer.field("seconds", seconds)
            }
        case .refused(let code, let message):
            Packer.message("refused") { packer in
                packer.field("code", code)
                packer.field("message", message)
            }
        }
    }

    /// Reads a message.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            switch try root.type() {
            case "hello":
                return .hello(
                    kind: try root.field("kind").string(),
                    process: try root.field("process").int(in: 1...Int(Int32.max)))
            case "ready": return .ready
            case "started": return .started(late: try root.optional("late_s")?.double() ?? 0)
            case "batch": return .batch(try Batch(root))
            case "note": return .note(try root.field("text").string())
            case "value": return .value(try root.field("value").setUpValue())
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

extension RunnerOrder {
    func pack(into packer: Packer) {
        packer.field("plan") { plan.pack(into: packer) }
        packer.field("scenarios", scenarios)
        packer.field("options") {
            for (key, values) in options.sorted(by: { $0.key < $1.key }) { packer.field(key, values) }
        }
        packer.field("waits", waits)
        if phase != .run { packer.field("phase", phase.rawValue) }
        if hasSetUp { packer.field("has_set_up", true) }
        if let value { packer.field("value", value) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(plan: try Plan(node.field("plan")))
        scenarios = try node.field("scenarios").strings()
        var options: [String: [String]] = [:]
        try node.field("options").forEachEntry { key, node throws(WireError) in options[key] = try node.strings() }
        self.options = options
        if let node = try node.optional("waits") { waits = try node.bool() }
        if let node = try node.optional("phase") { phase = try node.choice() }
        if let node = try node.optional("has_set_up") { hasSetUp = try node.bool() }
        if let node = try node.optional("value") { value = try node.setUpValue() }
    }
}

extension Adjustment {
    /// The adjustment as bytes to be kept: the command that carries it.
    public func encoded() -> [UInt8] { RunnerCommand.adjust(self).encoded() }

    /// Reads what ``encoded()`` has written.
    ///
    /// - Throws: ``WireError``, whatever the bytes are.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        guard case .adjust(let adjustment) = try RunnerCommand(decoding: bytes) else { throw .field("type", "adjust") }
        self = adjustment
    }

    func pack(into packer: Packer) {
        packer.field("users", users)
        packer.field("first_new_user", firstNewUser)
        packer.field("at_ns", at)
        if let change {
            packer.field("change") {
                packer.field("from_ns", change.from)
                change.model.pack(into: packer)
            }
        }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            users: try node.field("users").users(), firstNewUser: try node.field("first_new_user").int(in: 0...1 << 30),
            at: try node.field("at_ns").clock())
        if let node = try node.optional("change") {
            change = Change(model: try LoadModel(node), from: Int64(try node.field("from_ns").int(in: 0...Int.max)))
        }
    }
}

extension Batch {
    func pack(into packer: Packer) {
        packer.field("from_s", from)
        packer.field("to_s", to)
        statistics.packFields(into: packer)
        if !hits.isEmpty { packer.field("hits") { packer.columns(hits) } }
    }

    init(_ node: Node) throws(WireError) {
        let interval = try node.interval(from: "from_s", to: "to_s")
        self.init(statistics: try Statistics(node), from: interval.lowerBound, to: interval.upperBound)
        if let node = try node.optional("hits") { hits = try HitColumns(node).hits() }
    }
}
