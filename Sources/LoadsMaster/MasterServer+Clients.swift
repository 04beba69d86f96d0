import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire

extension MasterServer {
    /// Connections of clients that are remembered; beyond it they say hello again.
    static let clientLimit = 10_000

    func client(_ request: ClientRequest, from peer: Peer, _ identity: PeerIdentity) {
        func reply(_ answer: ClientAnswer.Answer) { self.answer(peer, ClientAnswer(id: request.id, answer: answer)) }
        guard identity.roles.contains(.client) || identity.roles.contains(.watcher) else {
            complain("the key \(identity.key ?? "") asked as a client and is none")
            return reply(
                .error(
                    WireFault(
                        code: "role",
                        message: "the key \(identity.key ?? "") is no client's: its public half belongs into the "
                            + "master's clients/ or watchers/ folder")))
        }
        if clients[peer] == nil {
            if clients.count >= Self.clientLimit { clients.removeAll() }
            clients[peer] = identity
        }
        switch request.ask {
        case .hello: return reply(.welcome(welcomeMessage(at: .now)))
        case .status: return reply(.status(status()))
        case .snapshot(let run): return snapshot(run, request.id, peer, for: identity)
        case .log(let run, let from): return log(run, from, request.id, peer)
        case .seconds(let run, let from): return seconds(run, from, request.id, peer)
        case .submit, .upload, .stop, .adjust, .adjustRate: break
        }
        guard identity.roles.contains(.client) else {
            return reply(
                .error(WireFault(code: "role", message: "a watcher's key may watch, not start, stop or adjust a run")))
        }
        switch request.ask {
        case .submit(let submission): submitted(submission, request.id, peer)
        case .upload(let chunk):
            do throws(WireFault) {
                let (bytes, complete) = try files.upload(chunk)
                reply(.credit(hash: chunk.hash, bytes: bytes, complete: complete))
                if complete { arrived(chunk.hash) }
            } catch {
                reply(.error(error))
            }
        case .stop(let run, let abort, let who):
            changed(run, request.id, peer) { stop(run, abort: abort, by: Self.stopped(by: who, identity)) }
        case .adjust(let run, let users): changed(run, request.id, peer) { adjust(run, to: .users(users)) }
        case .adjustRate(let run, let rate): changed(run, request.id, peer) { adjust(run, to: .rate(rate)) }
        default: break
        }
    }

    /// Who stopped a run, for those who watch it. What a client says of itself is a courtesy; its key is a fact.
    private static func stopped(by who: String?, _ identity: PeerIdentity) -> String {
        let key = identity.key.map { " (key \($0))" } ?? ""
        return "stopped by \(who.map { $0.isEmpty ? "a client" : $0 } ?? "a client")\(key)"
    }

    func answer(_ peer: Peer, _ answer: ClientAnswer) {
        for message in answer.encoded() where !transport.send(message, to: peer) {
            clients[peer] = nil
            return
        }
    }

    private func submitted(_ submission: RunSubmission, _ id: Int, _ peer: Peer) {
        do throws(WireFault) {
            // The same run again is asked for by somebody who has not heard the answer.
            if byID[submission.run]?.isStored != true, let fault = storageProblem(submission) { throw fault }
            let missing = try submit(submission)
            let accepted = ClientAnswer(id: id, answer: .accepted(run: submission.run, missing: missing))
            guard let run = byID[submission.run], !run.isSettled else { return answer(peer, accepted) }
            // Once it is stored: a master that is killed now goes on with it.
            run.deferred.append(.answer(peer, accepted))
            flush()
        } catch {
            answer(peer, ClientAnswer(id: id, answer: .error(error)))
        }
    }

    /// Changes a run, and answers once that is stored: a master that is killed now still knows of it.
    ///
    /// - Parameter change: Says why it cannot be.
    private func changed(_ run: String, _ id: Int, _ peer: Peer, _ change: () -> WireFault?) {
        let done = ClientAnswer(id: id, answer: .done)
        // Asked again by somebody who has not heard the answer yet.
        let isWaiting = byID[run]?.deferred.contains { deferred in
            if case .answer(peer, done) = deferred { true } else { false }
        }
        guard isWaiting != true else { return }
        if let fault = change() { return answer(peer, ClientAnswer(id: id, answer: .error(fault))) }
        guard let active = byID[run], !active.isSettled else { return answer(peer, done) }
        active.deferred.append(.answer(peer, done))
        flush()
    }

    private func arrived(_ hash: String) {
        for run in runs where run.missingFiles.remove(hash) != nil && run.missingFiles.isEmpty { run.isDirty = true }
        schedule()
    }

    private func status() -> ClusterStatus {
        let now = Instant.now
        var runOf: [String: String] = [:]
        for run in runs where !run.record.isOver {
            for member in run.life.members where !member.isDone { runOf[member.agent] = run.id }
        }
        let agents = registry.agents.values.sorted { $0.hello.agent < $1.hello.agent }.map { agent in
            let run = runOf[agent.hello.agent]
            let state: ClusterStatus.AgentStatus.State =
                switch agent.presence {
                case .present: run == nil ? .idle : .busy
                case .silent: .silent
                case .lost: .lost
                case .gone: .gone
                }
            return ClusterStatus.AgentStatus(
                hello: agent.hello, state: state, silence: Double(now.nanoseconds(since: agent.heard)) / 1e9,
                usage: agent.usage, roundTrip: agent.clock.roundTrip.map { Double($0) / 1e9 }, run: run)
        }
        let present = runs.map { run in
            run.merged.fold()
            var status = run.record.status(run.merged.total, elapsed: run.elapsed(at: now))
            if run.record.state == .queued, run.waitsFor != "" { status.waitsFor = run.waitsFor.inStatus }
            return status
        }
        return ClusterStatus(boot: boot, agents: agents, runs: history + present)
    }

    /// A watcher sees what was measured, and not what was sent along to make it: headers and variables may be secrets.
    private func snapshot(_ run: String, _ id: Int, _ peer: Peer, for identity: PeerIdentity) {
        let now = Instant.now
        let seesAll = identity.roles.contains(.client)
        if let active = byID[run] {
            // What was merged is published first, so that the numbers say exactly what is in the statistics.
            active.merged.fold()
            publishInterval(of: active, at: now)
            var snapshot = active.snapshot(boot: boot, sequences: publisher.sequences(run), at: now)
            if !seesAll { snapshot.submission.hideSecrets() }
            return answer(peer, ClientAnswer(id: id, answer: .snapshot(snapshot)))
        }
        Task {
            do throws(StorageError) {
                guard let stored = try await storage.run(run) else {
                    return answer(peer, ClientAnswer(id: id, answer: .error(Self.unknownRun(run))))
                }
                var snapshot = ActiveRun(restoring: stored, log: []).snapshot(boot: boot, sequences: [:], at: now)
                if !seesAll { snapshot.submission.hideSecrets() }
                answer(peer, ClientAnswer(id: id, answer: .snapshot(snapshot)))
            } catch {
                answer(peer, ClientAnswer(id: id, answer: .error(WireFault(code: "storage", message: error.message))))
            }
        }
    }

    /// Seconds read for an answer: of many names fewer fit.
    private static let secondsPage = 30

    /// What is stored of a run's seconds. Of one that is over, that is everything.
    private func seconds(_ run: String, _ from: Int, _ id: Int, _ peer: Peer) {
        Task {
            do throws(StorageError) {
                while let active = byID[run], active.record.isOver, !active.isSettled, !isClosed {
                    if let storageFault { throw StorageError(code: .disk, message: Self.cannotStore(storageFault)) }
                    try? await loop.sleep(for: .milliseconds(50))
                }
                var isKnown = byID[run] != nil || history.contains { $0.run == run }
                if !isKnown { isKnown = try await storage.run(run) != nil }
                guard isKnown else {
                    return answer(peer, ClientAnswer(id: id, answer: .error(Self.unknownRun(run))))
                }
                let seconds = try await storage.seconds(run, from: from, limit: Self.secondsPage)
                let page = SecondsPage(seconds.map { MeasuredSecond(second: $0, $1) })
                answer(peer, ClientAnswer(id: id, answer: .seconds(page)))
            } catch {
                answer(peer, ClientAnswer(id: id, answer: .error(WireFault(code: "storage", message: error.message))))
            }
        }
    }

    /// Events of an answer.
    private static let logPage = 1000

    private func log(_ run: String, _ from: Int, _ id: Int, _ peer: Peer) {
        if let active = byID[run] {
            let entries = active.log.entries.drop { $0.number < from }.prefix(Self.logPage)
            return answer(peer, ClientAnswer(id: id, answer: .log(Array(entries))))
        }
        Task {
            do throws(StorageError) {
                guard try await storage.run(run) != nil else {
                    return answer(peer, ClientAnswer(id: id, answer: .error(Self.unknownRun(run))))
                }
                let entries = try await storage.log(run, from: from, limit: Self.logPage)
                answer(peer, ClientAnswer(id: id, answer: .log(entries)))
            } catch {
                answer(peer, ClientAnswer(id: id, answer: .error(WireFault(code: "storage", message: error.message))))
            }
        }
    }
}

extension RunSubmission {
    /// Leaves out what may hold passwords and tokens.
    fileprivate mutating func hideSecrets() {
        order.options = [:]
        launch.environment = [:]
        launch.arguments = []
    }
}
