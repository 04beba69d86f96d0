import LoadsCore

extension ClientRequest {
    /// The request as a frame of the control channel.
    public func encoded() -> [UInt8] {
        Packer.message(ask.type) { packer in
            packer.field("request", id)
            switch ask {
            case .hello(let software): packer.field("software", software)
            case .submit(let submission): submission.pack(into: packer)
            case .upload(let chunk): chunk.pack(into: packer)
            case .status: break
            case .snapshot(let run): packer.field("run", run)
            case .stop(let run, let abort, let by):
                packer.field("run", run)
                packer.field("abort", abort)
                if let by { packer.field("by", by) }
            case .adjust(let run, let users):
                packer.field("run", run)
                packer.field("users", users)
            case .adjustRate(let run, let rate):
                packer.field("run", run)
                packer.field("rate_uph", rate.microPerHour)
            case .log(let run, let from), .seconds(let run, let from):
                packer.field("run", run)
                packer.field("from", from)
            }
        }
    }

    /// Reads a frame.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in try ClientRequest(root) }
    }

    init(_ root: Node) throws(WireError) {
        let ask: Ask
        switch try root.type() {
        case "hello": ask = .hello(software: try root.field("software").text(256))
        case "submit": ask = .submit(try RunSubmission(root))
        case "upload": ask = .upload(try FileChunk(root))
        case "status": ask = .status
        case "snapshot": ask = .snapshot(run: try root.field("run").identifier())
        case "stop":
            ask = .stop(
                run: try root.field("run").identifier(), abort: try root.field("abort").bool(),
                by: try root.optional("by")?.text(256))
        case "adjust":
            let run = try root.field("run").identifier()
            if let rate = try root.optional("rate_uph") {
                ask = .adjustRate(run: run, rate: try rate.rate())
            } else {
                ask = .adjust(run: run, users: try root.field("users").users())
            }
        case "log": ask = .log(run: try root.field("run").identifier(), from: try root.field("from").total())
        case "seconds":
            ask = .seconds(run: try root.field("run").identifier(), from: try root.field("from").total())
        case let type: throw .unknown(type, "request of a client")
        }
        self.init(id: try root.field("request").total(), ask: ask)
    }
}

extension ClientRequest.Ask {
    fileprivate var type: String {
        switch self {
        case .hello: "hello"
        case .submit: "submit"
        case .upload: "upload"
        case .status: "status"
        case .snapshot: "snapshot"
        case .stop: "stop"
        case .adjust, .adjustRate: "adjust"
        case .log: "log"
        case .seconds: "seconds"
        }
    }
}

extension ClientAnswer {
    /// The answer as frames of the control channel: one, or several for a large snapshot or status, or for seconds.
    ///
    /// Of a long log only the first entries that fit into a message are in it, and of many seconds the first ones; the client
    /// asks for the next ones.
    public func encoded() -> [[UInt8]] {
        if case .snapshot(let snapshot) = answer {
            return snapshot.parts().map { ClientAnswer(id: id, answer: .snapshot($0)).message() }
        }
        if case .status(let status) = answer {
            return status.parts().map { ClientAnswer(id: id, answer: .status($0)).message() }
        }
        if case .seconds(let page) = answer {
            return page.parts().map { part in
                Packer.message(answer.type) { packer in
                    packer.field("request", id)
                    part.pack(into: packer)
                }
            }
        }
        return [message()]
    }

    private func message() -> [UInt8] {
        Packer.message(answer.type) { packer in
            packer.field("request", id)
            switch answer {
            case .welcome(let welcome): welcome.pack(into: packer)
            case .accepted(let run, let missing):
                packer.field("run", run)
                packer.field("missing", missing)
            case .credit(let hash, let bytes, let complete):
                packer.field("hash", hash)
                packer.field("bytes", bytes)
                packer.field("complete", complete)
            case .status(let status): status.pack(into: packer)
            case .snapshot(let snapshot): snapshot.pack(into: packer)
            case .done: break
            case .log(let entries):
                packer.field("entries", each: LogEntry.fitting(entries)) { entry in
                    packer.field("number", entry.number)
                    packer.field("at_s", entry.at)
                    entry.event.pack(into: packer)
                }
            // Is made in parts of its own.
            case .seconds: break
            case .error(let fault): fault.pack(into: packer)
            }
        }
    }

    /// Reads a frame.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            ClientAnswer(id: try root.field("request").total(), answer: try Answer(root))
        }
    }
}

extension ClientAnswer.Answer {
    fileprivate var type: String {
        switch self {
        case .welcome: "welcome"
        case .accepted: "accepted"
        case .credit: "credit"
        case .status: "status"
        case .snapshot: "snapshot"
        case .done: "done"
        case .log: "log"
        case .seconds: "seconds"
        case .error: "error"
        }
    }

    fileprivate init(_ root: Node) throws(WireError) {
        switch try root.type() {
        case "welcome": self = .welcome(try MasterWelcome(root))
        case "accepted":
            self = .accepted(
                run: try root.field("run").identifier(),
                missing: try root.field("missing").list { node throws(WireError) in try node.hash() })
        case "credit":
            self = .credit(
                hash: try root.field("hash").hash(), bytes: try root.field("bytes").int(),
                complete: try root.field("complete").bool())
        case "status": self = .status(try ClusterStatus(root))
        case "snapshot": self = .snapshot(try RunSnapshot(root))
        case "done": self = .done
        case "log": self = .log(try root.field("entries").list(LogEntry.read))
        case "seconds": self = .seconds(try SecondsPage(root))
        case "error": self = .error(try WireFault(root))
        case let type: throw .unknown(type, "answer of a master")
        }
    }
}

extension LogEntry {
    fileprivate static func read(_ node: Node) throws(WireError) -> LogEntry {
        LogEntry(
            number: try node.field("number").total(), at: try node.field("at_s").double(), event: try RunEvent(node))
    }

    /// The first entries, as many as a message takes with room to spare.
    fileprivate static func fitting(_ entries: [LogEntry]) -> [LogEntry] {
        var room = WireLimits.messageBytes / 2
        return Array(
            entries.prefix(WireLimits.groups).prefix { entry in
                room -= 256 + min(entry.event.text.utf8.count, WireLimits.stringBytes)
                return room >= 0
            })
    }
}
