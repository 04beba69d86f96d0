import LoadsCore

extension ResultMessage {
    /// The message as a frame of the results channel.
    public func encoded() -> [UInt8] {
        Packer.message("result") { packer in
            packer.field("run", run)
            packer.field("agent", agent)
            packer.field("epoch", epoch)
            packer.field("seq", sequence)
            switch content {
            case .report(let bytes): packer.field("report", bytes)
            case .ended(let end): packer.field("ended") { end.pack(into: packer) }
            case .lost(let loss): packer.field("lost") { loss.pack(into: packer) }
            }
        }
    }

    /// Reads a frame. The runner's message in it is not looked at.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes, limit: WireLimits.frameBytes) { root throws(WireError) in
            let type = try root.type()
            guard type == "result" else { throw .unknown(type, "message on the results channel") }
            return ResultMessage(
                run: try root.field("run").identifier(), agent: try root.field("agent").identifier(),
                epoch: try root.field("epoch").nonce(), sequence: try root.field("seq").sequence(),
                content: try Content(root))
        }
    }
}

extension ResultMessage.Content {
    fileprivate init(_ node: Node) throws(WireError) {
        if let node = try node.optional("report") {
            self = .report([UInt8](try node.binary()))
        } else if let node = try node.optional("ended") {
            self = .ended(try RunnerEnd(node))
        } else {
            self = .lost(try ResultMessage.Loss(node.field("lost")))
        }
    }
}

extension ResultMessage.Loss {
    fileprivate func pack(into packer: Packer) {
        packer.field("messages", messages)
        packer.field("hits", hits)
        packer.field("iterations", iterations)
        packer.field("from_s", from)
        packer.field("to_s", to)
    }

    fileprivate init(_ node: Node) throws(WireError) {
        self.init(
            messages: try node.field("messages").int(), hits: try node.field("hits").int(),
            iterations: try node.field("iterations").int(), from: try node.field("from_s").double(),
            to: try node.field("to_s").double())
    }
}

extension RunnerEnd {
    fileprivate func pack(into packer: Packer) {
        switch self {
        case .finished(let interrupted, let seconds):
            packer.field("state", "finished")
            packer.field("interrupted", interrupted)
            packer.field("seconds", seconds)
        case .refused(let code, let message):
            packer.field("state", "refused")
            packer.field("code", code)
            packer.field("message", message)
        case .crashed(let crash):
            packer.field("state", "crashed")
            crash.pack(into: packer)
        }
    }

    fileprivate init(_ node: Node) throws(WireError) {
        switch try node.field("state").string() {
        case "finished":
            self = .finished(
                interrupted: try node.field("interrupted").bool(), seconds: try node.field("seconds").double())
        case "refused":
            self = .refused(code: try node.field("code").int(in: 1...255), message: try node.field("message").text())
        case "crashed": self = .crashed(try RunnerCrash(node))
        case let state: throw .unknown(state, "end of a runner")
        }
    }
}

extension RunnerCrash {
    func pack(into packer: Packer) {
        packer.field("reason", reason)
        packer.field("output", output)
        packer.field("unreported_started", unreportedStarted)
        packer.field("unreported_ended", unreportedEnded)
        packer.field("unreported_hits", unreportedHits)
        if isLoss { packer.field("is_loss", true) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            reason: try node.field("reason").text(), output: try node.field("output").text(),
            unreportedStarted: try node.field("unreported_started").int(),
            unreportedEnded: try node.field("unreported_ended").int(),
            unreportedHits: try node.field("unreported_hits").int())
        isLoss = try node.optional("is_loss")?.bool() ?? false
    }
}
