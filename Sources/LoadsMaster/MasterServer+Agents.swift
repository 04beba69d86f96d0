import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire

extension MasterServer {
    /// What an agent says.
    func agent(_ message: AgentMessage, from peer: Peer, _ identity: PeerIdentity) {
        if case .hello(let hello) = message { return greet(hello, peer, identity) }
        if introductions.isWaiting(peer) { return prove(message, peer) }
        guard let id = registry.agent(at: peer) else {
            // A master that was restarted, or an agent that was given up: it says hello again.
            tell(peer, .error(WireFault(code: "not-welcome", message: "say hello first")))
            return
        }
        switch message {
        case .hello: break
        case .beat(let beat): lease(beat, peer)
        case .status(let run, let state): prepared(id, run, state)
        case .fetch(let hash, let offset, let bytes): fetch(id, hash, offset, bytes)
        case .goodbye(let reason):
            _ = registry.goodbye(from: peer)
            fetches.drop(id)
            settings.log(.info, "the agent \(id) has left: \(reason)")
            lose(id, epoch: nil, "it has left: \(reason)")
        case .error(let fault):
            settings.log(.warning, "the agent \(id) reports \(fault.code): \(fault.message)")
        }
    }

    /// Answers a hello. On a new connection the agent is taken in once it has shown that it hears the answer.
    private func greet(_ hello: AgentHello, _ peer: Peer, _ identity: PeerIdentity) {
        let now = Instant.now
        if let fault = registry.refusal(of: hello, from: peer, identity, at: now) { return refuse(peer, fault) }
        let welcome = welcomeMessage(at: now)
        // In this process there is nobody else, and on its own connection an agent cannot be another.
        let isKnown = settings.sharedClock || registry.isBound(hello, to: peer)
        guard isKnown || introductions.take(hello, from: peer, identity, said: welcome.sent, at: now) else {
            return refuse(peer, WireFault(code: "full", message: "too many agents say hello at once: ask again"))
        }
        tell(peer, .welcome(welcome))
        guard isKnown else { return }
        introductions.forget(peer)
        takeIn(hello, peer, identity)
    }

    private func refuse(_ peer: Peer, _ fault: WireFault) {
        complain("an agent was refused: \(fault.message)")
        tell(peer, .error(fault))
    }

    /// What comes from somebody whose hello is not proven: a beat may do so, everything else is kept until then.
    private func prove(_ message: AgentMessage, _ peer: Peer) {
        guard case .beat(let beat) = message else { return introductions.hold(message, from: peer) }
        guard let introduction = introductions.proven(by: beat, from: peer) else {
            let lease = MasterLease(sent: Instant.now.nanoseconds, batchInterval: batchInterval.wholeNanoseconds)
            introductions.told(lease.sent, to: peer)
            return tell(peer, .lease(lease))
        }
        takeIn(introduction.hello, peer, introduction.identity)
        for message in [message] + introduction.held { agent(message, from: peer, introduction.identity) }
    }

    /// An agent is there, at this peer: whatever was so before.
    private func takeIn(_ hello: AgentHello, _ peer: Peer, _ identity: PeerIdentity) {
        let before = registry[hello.agent]?.peer
        let welcome = registry.hello(hello, from: peer, identity, at: .now)
        if case .refused(let fault) = welcome { return refuse(peer, fault) }
        // On another connection it asks anew for the pieces that it lacks.
        if before != peer { fetches.drop(hello.agent) }
        settings.log(
            welcome == .back ? .debug : .info,
            "agent \(hello.name) (\(hello.agent)): \(Counted.text(hello.cores, "core")), \(hello.software)")
        if case .restarted(let epoch) = welcome {
            lose(hello.agent, epoch: epoch, "it was restarted without what it had measured")
        }
        var held: [String: AgentHello.HeldRun] = [:]
        for run in hello.runs { held[run.run] = run }
        for run in runs {
            guard let member = run.life.member(hello.agent), member.epoch == hello.epoch else { continue }
            let heldRun = held.removeValue(forKey: run.record.agentRun)
            run.intake.remind(member.source)
            run.life.nextAdjustment = nextAdjustment(of: run)
            run.life.back(hello.agent, held: heldRun, lastData: run.lastData(hello.agent))
            // Said in both cases: it may have missed that nobody wants them any more.
            if heldRun != nil { tell(peer, .rawHits(run: run.record.agentRun, wanted: run.sendsHits)) }
            perform(run)
        }
        for run in held.keys.sorted() {
            tell(peer, .error(Self.unknownRun(run)))
            tell(peer, .stop(run: run, abort: true, reason: "this master does not know the run \(run)"))
        }
        sendAcknowledgements()
        schedule()
    }

    func welcomeMessage(at now: Instant) -> MasterWelcome {
        MasterWelcome(
            boot: boot, resultsPort: addresses?.resultsPort ?? 1, streamPort: addresses?.streamPort ?? 1,
            host: settings.advertise, beat: settings.beat.wholeNanoseconds, lease: settings.lease.wholeNanoseconds,
            grace: settings.grace.wholeNanoseconds, sent: now.nanoseconds,
            batchInterval: batchInterval.wholeNanoseconds)
    }

    private func lease(_ beat: AgentBeat, _ peer: Peer) {
        let now = Instant.now
        let wasLeaving = registry.agent(at: peer).flatMap { registry[$0]?.isLeaving } ?? false
        guard let (id, wasSilent) = registry.beat(beat, from: peer, at: now) else {
            tell(peer, .error(WireFault(code: "not-welcome", message: "say hello first")))
            return
        }
        tell(peer, .lease(MasterLease(sent: Instant.now.nanoseconds, batchInterval: batchInterval.wholeNanoseconds)))
        if beat.isLeaving, !wasLeaving { isAboutToLeave(id) }
        if wasSilent {
            settings.log(.info, "the agent \(id) is back")
            each(with: id) { $0.life.heard(id) }
        }
        // The first round trip may be what a start waits for, or an order with a point in time.
        for run in runs {
            if run.life.canStart { startIfReady(run) }
            for order in run.takeUntimed(id) { carryOut(order, for: id, of: run) }
        }
        if wasSilent { schedule() }
    }

    /// An agent was told to end: what it was asked to prepare is planned anew. What it runs it ends by itself.
    private func isAboutToLeave(_ id: String) {
        settings.log(.info, "the agent \(id) is about to leave")
        for run in runs where run.record.state == .preparing && run.life.member(id)?.epoch == registry[id]?.epoch {
            run.life.lost(id, reason: "it was told to end", lastData: 0)
            perform(run)
        }
        schedule()
    }

    private func prepared(_ id: String, _ run: String, _ state: AgentRunState) {
        guard let active = named(run), active.life.member(id)?.epoch == registry[id]?.epoch else {
            if let peer = registry[id]?.peer { tell(peer, .error(Self.unknownRun(run))) }
            return
        }
        switch state {
        case .preparing: return
        case .ready: active.life.ready(id)
        case .refused(let code, let message): active.life.refused(by: id, code: max(1, min(code, 255)), message)
        }
        active.isDirty = true
        perform(active)
        startIfReady(active)
    }

    /// An agent's parts in all runs are given up.
    ///
    /// - Parameter epoch: Of which epoch; nil is its present one.
    func lose(_ id: String, epoch: String?, _ reason: String) {
        let epoch = epoch ?? registry[id]?.epoch
        for run in runs where run.life.member(id)?.epoch == epoch {
            run.life.nextAdjustment = nextAdjustment(of: run)
            run.life.lost(id, reason: reason, lastData: run.lastData(id))
            if let source = run.life.member(id)?.source { run.merged.ended(source) }
            run.isDirty = true
            perform(run)
        }
        schedule()
    }

    /// Does something to each run that an agent has a part in.
    func each(with id: String, _ body: (ActiveRun) -> Void) {
        for run in runs where run.life.member(id)?.epoch == registry[id]?.epoch {
            body(run)
            perform(run)
        }
    }

    // MARK: Out

    func tell(_ peer: Peer, _ message: MasterMessage) { transport.send(message.encoded(), to: peer) }

    /// Tells an agent under the epoch that a run knows it by; one that is away hears it when it is back.
    func tell(_ member: RunMember, _ message: MasterMessage) {
        guard let agent = registry[member.agent], agent.epoch == member.epoch, let peer = agent.peer else { return }
        tell(peer, message)
    }

    func sendAcknowledgements() {
        for run in runs {
            for (source, sequence) in run.intake.acknowledgements() {
                let name = run.record.agentRun(source.attempt)
                guard let agent = registry[source.agent], agent.epoch == source.epoch, let peer = agent.peer
                else { continue }
                tell(peer, .ack(run: name, epoch: source.epoch, sequence: sequence))
            }
        }
    }

    static func endedRun(_ run: String) -> WireFault {
        WireFault(code: "state", message: "the run \(run) has ended already", run: run)
    }

    static func unknownRun(_ run: String) -> WireFault {
        WireFault(
            code: "unknown-run",
            message:
                "this master does not know the run \(run) (one that was started without --data forgets its runs when it ends)",
            run: run)
    }

    // MARK: Files

    private func fetch(_ id: String, _ hash: String, _ offset: Int, _ bytes: Int) {
        guard let peer = registry[id]?.peer else { return }
        guard let size = files.size(hash) else {
            tell(peer, .error(WireFault(code: "unknown-file", message: "there is no file \(hash.prefix(64)) here")))
            return
        }
        guard offset >= 0, offset <= size, bytes > 0 else {
            tell(peer, .error(WireFault(code: "malformed", message: "the file \(hash) has \(size) bytes")))
            return
        }
        // More than that ahead would hold up what the agent must hear; it asks again from where it is.
        let end = offset + min(bytes, size - offset, FileChunk.credit)
        guard fetches.add(id, hash: hash, offset: offset, end: end) else {
            tell(peer, .error(WireFault(code: "full", message: "too many pieces asked for at once")))
            return
        }
        serveFiles()
    }

    /// Sends one piece, and the next one when everything else had its turn.
    private func serveFiles() {
        guard !isServingFiles, !fetches.isEmpty, !isClosed else { return }
        isServingFiles = true
        loop.submit { self.assumeIsolated { $0.servePiece() } }
    }

    private func servePiece() {
        isServingFiles = false
        guard let piece = fetches.next() else { return }
        if let peer = registry[piece.agent]?.peer {
            if let bytes = files.read(piece.hash, offset: piece.offset, bytes: piece.bytes) {
                let chunk = FileChunk(hash: piece.hash, offset: piece.offset, bytes: bytes)
                if !transport.send(MasterMessage.chunk(chunk).encoded(), to: peer) {
                    // Its connection is full, or gone: then its next hello drops the rest.
                    _ = fetches.add(
                        piece.agent, hash: piece.hash, offset: piece.offset, end: piece.offset + piece.bytes)
                    isServingFiles = true
                    Task {
                        try? await loop.sleep(for: .milliseconds(20))
                        isServingFiles = false
                        serveFiles()
                    }
                    return
                }
            } else {
                tell(peer, .error(WireFault(code: "unknown-file", message: "the file \(piece.hash) cannot be read")))
            }
        }
        serveFiles()
    }
}
