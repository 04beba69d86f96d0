import LoadsCore

extension AgentMessage {
    /// The message as a frame of the control channel.
    public func encoded() -> [UInt8] {
        switch self {
        case .hello(let hello): Packer.message("hello") { hello.pack(into: $0) }
        case .beat(let beat): Packer.message("beat") { beat.pack(into: $0) }
        case .status(let run, let state):
            Packer.message("status") { packer in
                packer.field("run", run)
                state.pack(into: packer)
            }
        case .fetch(let hash, let offset, let bytes):
            Packer.message("fetch") { packer in
                packer.field("hash", hash)
                packer.field("offset", offset)
                packer.field("bytes", bytes)
            }
        case .goodbye(let reason): Packer.message("goodbye") { $0.field("reason", reason) }
        case .error(let fault): Packer.message("error") { fault.pack(into: $0) }
        }
    }

    /// Reads a frame.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in try AgentMessage(root) }
    }

    init(_ root: Node) throws(WireError) {
        switch try root.type() {
        case "hello": self = .hello(try AgentHello(root))
        case "beat": self = .beat(try AgentBeat(root))
        case "status": self = .status(run: try root.field("run").identifier(), try AgentRunState(root))
        case "fetch":
            self = .fetch(
                hash: try root.field("hash").hash(), offset: try root.field("offset").int(),
                bytes: try root.field("bytes").int(in: 1...WireLimits.count))
        case "goodbye": self = .goodbye(reason: try root.field("reason").text())
        case "error": self = .error(try WireFault(root))
        case let type: throw .unknown(type, "message of an agent")
        }
    }
}

extension AgentHello {
    func pack(into packer: Packer) {
        packer.field("agent", agent)
        packer.field("name", name)
        packer.field("epoch", epoch)
        packer.field("software", software)
        packer.field("platform") { platform.pack(into: packer) }
        packer.field("cores", cores)
        packer.field("memory_bytes", memoryBytes)
        packer.field("labels", labels)
        packer.field("dialects", dialects.map(\.rawValue))
        packer.field("built_in", builtIn)
        packer.field("runs", each: runs) { held in
            packer.field("run", held.run)
            packer.field("seq", held.sequence)
            packer.field("running", held.running)
        }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            agent: try node.field("agent").identifier(), name: try node.field("name").text(256),
            epoch: try node.field("epoch").nonce(), software: try node.field("software").text(256),
            platform: try Platform(node.field("platform")), cores: try node.field("cores").int(in: 1...65_536),
            memoryBytes: try node.field("memory_bytes").int(in: 0...Int.max))
        if let node = try node.optional("labels") { labels = try node.labels() }
        // A dialect that this side does not know is none that it would ask for.
        dialects = try node.field("dialects").strings().compactMap { RunnerLaunch.Dialect(rawValue: $0) }
        if let node = try node.optional("built_in") {
            builtIn = try node.list { node throws(WireError) in try node.text(256) }
        }
        if let node = try node.optional("runs") {
            runs = try node.list { node throws(WireError) in
                HeldRun(
                    run: try node.field("run").identifier(), sequence: try node.field("seq").sequence(from: 0),
                    running: try node.field("running").bool())
            }
        }
    }
}

extension AgentBeat {
    func pack(into packer: Packer) {
        packer.field("sent_ns", sent)
        if let echo {
            packer.field("echo") {
                packer.field("sent_ns", echo.masterSent)
                packer.field("received_ns", echo.received)
            }
        }
        packer.field("usage") { usage.pack(into: packer) }
        packer.field("spool_messages", spoolMessages)
        packer.field("spool_bytes", spoolBytes)
        if isLeaving { packer.field("leaving", true) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(sent: try node.field("sent_ns").clock())
        if let node = try node.optional("echo") {
            echo = Echo(
                masterSent: try node.field("sent_ns").clock(), received: try node.field("received_ns").clock())
        }
        if let node = try node.optional("usage") { usage = try HostUsage(node) }
        if let node = try node.optional("spool_messages") { spoolMessages = try node.total() }
        if let node = try node.optional("spool_bytes") { spoolBytes = try node.total() }
        if let node = try node.optional("leaving") { isLeaving = try node.bool() }
    }
}

extension HostUsage {
    func pack(into packer: Packer) {
        packer.field("busy_cores", busyCores)
        packer.field("cpu_s", cpuSeconds)
        packer.field("resident_bytes", residentBytes)
        packer.field("descriptors", descriptors)
        packer.field("received_bytes_per_s", receivedBytesPerSecond)
        packer.field("sent_bytes_per_s", sentBytesPerSecond)
    }

    init(_ node: Node) throws(WireError) {
        self.init()
        if let node = try node.optional("busy_cores") { busyCores = try node.double() }
        if let node = try node.optional("cpu_s") { cpuSeconds = try node.double() }
        if let node = try node.optional("resident_bytes") { residentBytes = try node.int(in: 0...Int.max) }
        if let node = try node.optional("descriptors") { descriptors = try node.int() }
        if let node = try node.optional("received_bytes_per_s") { receivedBytesPerSecond = try node.double() }
        if let node = try node.optional("sent_bytes_per_s") { sentBytesPerSecond = try node.double() }
    }
}

extension AgentRunState {
    func pack(into packer: Packer) {
        switch self {
        case .preparing(let missing):
            packer.field("state", "preparing")
            packer.field("missing_bytes", missing)
        case .ready: packer.field("state", "ready")
        case .refused(let code, let message):
            packer.field("state", "refused")
            packer.field("code", code)
            packer.field("message", message)
        }
    }

    init(_ node: Node) throws(WireError) {
        switch try node.field("state").string() {
        case "preparing": self = .preparing(missingBytes: try node.field("missing_bytes").total())
        case "ready": self = .ready
        case "refused":
            self = .refused(code: try node.field("code").int(in: 1...255), message: try node.field("message").text())
        case let state: throw .unknown(state, "state of a run at an agent")
        }
    }
}

extension Platform {
    func pack(into packer: Packer) {
        packer.field("system", system)
        packer.field("architecture", architecture)
        packer.field("library", library)
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            system: try node.field("system").text(256), architecture: try node.field("architecture").text(256),
            library: try node.field("library").text(256))
    }
}

extension WireFault {
    func pack(into packer: Packer) {
        packer.field("code", code)
        packer.field("message", message)
        if let run { packer.field("run", run) }
    }

    init(_ node: Node) throws(WireError) {
        self.init(
            code: try node.field("code").text(64), message: try node.field("message").text(),
            run: try node.optional("run")?.identifier())
    }
}
