import LoadsCore

extension StreamMessage {
    /// The second frame of the stream.
    ///
    /// Statistics of very many names may exceed ``WireLimits/messageBytes``: publish the ``LoadsCore/Batch/parts(budget:)``
    /// of what is large, each under a sequence number of its own.
    public func encoded() -> [UInt8] {
        Packer.message(content.type) { packer in
            packer.field("run", run)
            packer.field("boot", boot)
            packer.field("seq", sequence)
            packer.field("t", time)
            switch content {
            case .hits(let agent, let hits):
                packer.field("agent", agent)
                if let result { result.pack(into: packer) }
                packer.field("count", hits.count)
                packer.field("columns") { packer.columns(hits) }
            case .statistics(let from, let to, let statistics):
                packer.field("from_s", from)
                packer.field("to_s", to)
                statistics.packFields(into: packer)
            case .thresholds(let results): packer.field("thresholds", results)
            case .event(let event): event.pack(into: packer)
            case .beat: break
            }
        }
    }

    /// Reads a frame.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            StreamMessage(
                run: try root.field("run").identifier(), boot: try root.field("boot").nonce(),
                sequence: try root.field("seq").sequence(), time: try root.field("t").double(),
                content: try Content(root), result: try Result(root))
        }
    }
}

extension StreamMessage.Result {
    func pack(into packer: Packer) {
        packer.field("epoch", epoch)
        packer.field("result", sequence)
    }

    fileprivate init?(_ root: Node) throws(WireError) {
        guard let epoch = try root.optional("epoch"), let sequence = try root.optional("result") else { return nil }
        self.init(epoch: try epoch.nonce(), sequence: try sequence.sequence())
    }
}

extension StreamMessage.Content {
    fileprivate var type: String {
        switch self {
        case .hits: "hits"
        case .statistics: "stats"
        case .thresholds: "thresholds"
        case .event: "event"
        case .beat: "beat"
        }
    }

    fileprivate init(_ root: Node) throws(WireError) {
        switch try root.type() {
        case "hits":
            let hits = try HitColumns(root.field("columns")).hits()
            guard try root.field("count").int() == hits.count else {
                throw .field("count", "the length of the columns")
            }
            self = .hits(agent: try root.field("agent").identifier(), hits)
        case "stats":
            let interval = try root.interval(from: "from_s", to: "to_s")
            self = .statistics(
                from: interval.lowerBound, to: interval.upperBound, try Statistics(root, limit: WireLimits.total))
        case "thresholds": self = .thresholds(try root.field("thresholds").thresholdResults())
        case "event": self = .event(try RunEvent(root))
        case "beat": self = .beat
        case let type: throw .unknown(type, "message of the stream")
        }
    }
}

extension RunEvent {
    func pack(into packer: Packer) {
        packer.field("kind", kind)
        packer.field("text", text)
        if let agent { packer.field("agent", agent) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(kind: try node.field("kind").text(64), text: try node.field("text").text())
        if let node = try node.optional("agent") { agent = try node.identifier() }
    }
}
