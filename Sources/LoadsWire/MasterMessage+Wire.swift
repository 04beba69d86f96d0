import LoadsCore

extension MasterMessage {
    /// The message as a frame of the control channel.
    public func encoded() -> [UInt8] {
        switch self {
        case .welcome(let welcome): Packer.message("welcome") { welcome.pack(into: $0) }
        case .lease(let lease):
            Packer.message("lease") { packer in
                packer.field("sent_ns", lease.sent)
                packer.field("batch_interval_ns", lease.batchInterval)
            }
        case .run(let order):
            Packer.message("run") { packer in
                packer.field("run", order.run)
                packer.field("launch") { order.launch.pack(into: packer) }
                packer.field("order") { order.order.pack(into: packer) }
            }
        case .start(let run, let at):
            Packer.message("start") { packer in
                packer.field("run", run)
                packer.field("at_ns", at)
            }
        case .adjust(let run, let adjustment):
            Packer.message("adjust") { packer in
                packer.field("run", run)
                adjustment.pack(into: packer)
            }
        case .stop(let run, let abort, let reason):
            Packer.message("stop") { packer in
                packer.field("run", run)
                packer.field("abort", abort)
                packer.field("reason", reason)
            }
        case .rawHits(let run, let wanted):
            Packer.message("raw_hits") { packer in
                packer.field("run", run)
                packer.field("wanted", wanted)
            }
        case .ack(let run, let epoch, let sequence):
            Packer.message("ack") { packer in
                packer.field("run", run)
                packer.field("epoch", epoch)
                packer.field("seq", sequence)
            }
        case .chunk(let chunk): Packer.message("chunk") { chunk.pack(into: $0) }
        case .error(let fault): Packer.message("error") { fault.pack(into: $0) }
        }
    }

    /// Reads a frame.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in try MasterMessage(root) }
    }

    private init(_ root: Node) throws(WireError) {
        switch try root.type() {
        case "welcome": self = .welcome(try MasterWelcome(root))
        case "lease":
            self = .lease(
                MasterLease(
                    sent: try root.field("sent_ns").clock(),
                    batchInterval: try root.field("batch_interval_ns").interval()))
        case "run":
            self = .run(
                AgentOrder(
                    run: try root.field("run").identifier(), launch: try RunnerLaunch(root.field("launch")),
                    order: try RunnerOrder(root.field("order"))))
        case "start": self = .start(run: try root.field("run").identifier(), at: try root.field("at_ns").clock())
        case "adjust": self = .adjust(run: try root.field("run").identifier(), try Adjustment(root))
        case "stop":
            self = .stop(
                run: try root.field("run").identifier(), abort: try root.field("abort").bool(),
                reason: try root.field("reason").text())
        case "raw_hits":
            self = .rawHits(run: try root.field("run").identifier(), wanted: try root.field("wanted").bool())
        case "ack":
            self = .ack(
                run: try root.field("run").identifier(), epoch: try root.field("epoch").nonce(),
                sequence: try root.field("seq").sequence(from: 0))
        case "chunk": self = .chunk(try FileChunk(root))
        case "error": self = .error(try WireFault(root))
        case let type: throw .unknown(type, "message of a master")
        }
    }
}

extension MasterWelcome {
    func pack(into packer: Packer) {
        packer.field("boot", boot)
        packer.field("results_port", resultsPort)
        packer.field("stream_port", streamPort)
        if let host { packer.field("host", host) }
        packer.field("beat_ns", beat)
        packer.field("lease_ns", lease)
        packer.field("grace_ns", grace)
        packer.field("sent_ns", sent)
        packer.field("batch_interval_ns", batchInterval)
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            boot: try node.field("boot").nonce(), resultsPort: try node.field("results_port").port(),
            streamPort: try node.field("stream_port").port(), beat: try node.field("beat_ns").interval(),
            lease: try node.field("lease_ns").interval(), grace: try node.field("grace_ns").interval(),
            sent: try node.field("sent_ns").clock(), batchInterval: try node.field("batch_interval_ns").interval())
        if let node = try node.optional("host") {
            let text = try node.text(255)
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                throw .field("host", "a host's name or address")
            }
            host = text
        }
    }
}

extension FileChunk {
    func pack(into packer: Packer) {
        packer.field("hash", hash)
        packer.field("offset", offset)
        packer.field("bytes", bytes)
    }

    init(_ node: Node) throws(WireError) {
        let bytes = try node.field("bytes").binary()
        guard bytes.count <= FileChunk.limit else { throw .field("bytes", "at most \(FileChunk.limit) bytes") }
        self.init(
            hash: try node.field("hash").hash(), offset: try node.field("offset").int(), bytes: [UInt8](bytes))
    }
}
