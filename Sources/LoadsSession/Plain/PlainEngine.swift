internal import Glibc
internal import LoadsCore
internal import LoadsEventLoop

/// HTTP/1.1 over TCP without anything in between: the common case, at a small part of libcurl's cost. Which exchanges
/// those are ``PlainShared/request(for:)`` says; ``UserEngine`` gives the others to libcurl.
///
/// Confined to its loop's thread, as its connections and transfers are.
final class PlainEngine: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; `perform` checks it.

    let loop: EventLoop
    let shared: PlainShared
    private var idle: [PlainConnection] = []
    private var active: [PlainTransfer] = []
    private var spare: PlainTransfer?
    private var timer: LoopTimer?
    /// Counts the ends of iterations after which connections are not used again.
    private(set) var epoch = 0
    private var ended = false

    /// Idle connections kept for a user, as many as libcurl is told to keep.
    private static let idleLimit = 16

    init(loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        shared = PlainShared.of(loop, resolver)
    }

    // MARK: An exchange

    /// Performs an exchange whose place is known.
    func perform(
        _ exchange: Exchange, _ request: PlainRequest, start: Instant, dns: Int64
    ) async throws(SessionError) -> ExchangeResult {
        if ended { throw Self.failure(.cancelled(exchange.url), dns: dns) }
        let transfer = spare ?? PlainTransfer(engine: self)
        spare = nil
        transfer.prepare(exchange, request, start: start, dns: dns)
        let generation = transfer.generation
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                transfer.continuation = continuation
                transfer.place = active.count
                active.append(transfer)
                if Task.isCancelled { abort(transfer, .cancelled(transfer.url)) } else { begin(transfer) }
            }
        } onCancel: {
            loop.submit { self.cancel(transfer, generation) }
        }
        return try outcome.get()
    }

    /// Finds the addresses that an exchange needs, off the loop if they are not known yet.
    ///
    /// - Returns: The nanoseconds it took to wait for them; 0 when they were known.
    func resolve(_ place: PlainPlace, _ exchange: Exchange) async throws(SessionError) -> Int64 {
        if let known = shared.resolver.known(place.host) {
            place.set(known)
            return 0
        }
        let asked = Instant.now
        let limit = min(exchange.deadline, asked.advanced(by: exchange.connection.connectTimeout))
        let answer: Resolver.Answer
        do { answer = try await shared.resolver.resolve(place.host, on: loop, until: limit) } catch {
            let failure = CurlFailure.unresolved(place.host, .server, error, exchange.url)
            throw Self.failure(failure, dns: Instant.now.nanoseconds(since: asked))
        }
        place.set(answer)
        return Instant.now.nanoseconds(since: asked)
    }

    /// An error before anything was sent.
    private static func failure(_ error: SessionError, dns: Int64) -> SessionError {
        var error = error
        var phases = Phases()
        phases.dns = dns
        error.cost = ExchangeCost(phases: phases)
        return error
    }

    private func begin(_ transfer: PlainTransfer) {
        arm(at: transfer.deadline)
        if let connection = takeIdle(transfer.request.place) { connection.begin(transfer) } else { connect(transfer) }
    }

    private func takeIdle(_ place: PlainPlace) -> PlainConnection? {
        // The last one used: the likeliest to be alive.
        guard let index = idle.lastIndex(where: { $0.place.isSame(as: place) }) else { return nil }
        return idle.remove(at: index)
    }

    private func cancel(_ transfer: PlainTransfer, _ generation: Int) {
        guard transfer.generation == generation else { return }
        abort(transfer, .cancelled(transfer.url))
    }

    // MARK: Connecting

    private func connect(_ transfer: PlainTransfer) {
        transfer.connectStarted = .now
        transfer.addresses = transfer.request.place.addresses { shared.resolver.nextTurn() }[...]
        attempt(transfer, after: EHOSTUNREACH)
    }

    /// Tries the next address.
    private func attempt(_ transfer: PlainTransfer, after failure: Int32) {
        var failure = failure
        while let address = transfer.addresses.popFirst() {
            let (opened, code) = PlainConnection.open(address, for: transfer)
            guard let connection = opened else {
                failure = code
                continue
            }
            transfer.connection = connection
            if !connection.isConnecting { return connected(transfer) }
            let now = Instant.now
            let end = min(
                transfer.deadline, (transfer.connectStarted ?? now).advanced(by: transfer.connectTimeout))
            // Half of the time left, as long as there is another address to try.
            let left = max(0, end.nanoseconds(since: now))
            transfer.attemptEnds = Instant(
                nanoseconds: now.nanoseconds + (transfer.addresses.isEmpty ? left : left / 2))
            return arm(at: transfer.attemptEnds)
        }
        abort(transfer, PlainFailure.connecting(failure, transfer.request.place, transfer.url))
    }

    func attemptFailed(_ transfer: PlainTransfer, _ code: Int32) {
        transfer.connection?.close()
        transfer.connection = nil
        attempt(transfer, after: code)
    }

    func connected(_ transfer: PlainTransfer) {
        guard let connection = transfer.connection else { return }
        if let began = transfer.connectStarted { transfer.connectTime += Instant.now.nanoseconds(since: began) }
        transfer.connectStarted = nil
        transfer.addresses = []
        connection.begin(transfer)
    }

    // MARK: Ending

    /// A connection ended before its response was complete.
    func broken(_ transfer: PlainTransfer, _ detail: String) {
        guard let connection = transfer.connection else { return }
        // A server may close a kept connection at any time. When that crosses with a request, nobody has seen it.
        if connection.uses > 0, transfer.receivedNow == 0, transfer.canBeSentAgain {
            connection.close()
            transfer.connection = nil
            return connect(transfer)
        }
        abort(transfer, PlainFailure.reset(detail, transfer.url))
    }

    /// The response is complete.
    func complete(_ transfer: PlainTransfer, keepsConnection: Bool) {
        guard let connection = transfer.connection else { return }
        let result = transfer.result(&connection.parser)
        if keepsConnection, !ended, connection.epoch == epoch, !transfer.request.closes, idle.count < Self.idleLimit {
            connection.release()
            idle.append(connection)
        } else {
            connection.close()
        }
        end(transfer, .success(result))
    }

    /// Ends a transfer before its time and closes its connection.
    func abort(_ transfer: PlainTransfer, _ error: SessionError) {
        guard transfer.place >= 0 else { return }
        let failure = transfer.withCost(error)
        transfer.connection?.close()
        end(transfer, .failure(failure))
    }

    private func end(_ transfer: PlainTransfer, _ result: Result<ExchangeResult, SessionError>) {
        let last = active.removeLast()
        if last !== transfer {
            active[transfer.place] = last
            last.place = transfer.place
        }
        transfer.place = -1
        transfer.finish(result)
        transfer.reset()
        if !ended { spare = transfer }
    }

    /// Lets go of an idle connection.
    func forget(_ connection: PlainConnection) {
        if let index = idle.firstIndex(where: { $0 === connection }) { idle.remove(at: index) }
        connection.close()
    }

    // MARK: Time

    /// Has the timer fire no later than that. It may be armed for earlier, and then looks again: deadlines move with
    /// every exchange, nearly always to a later point.
    private func arm(at time: Instant) {
        let timer = timer ?? makeTimer()
        if let armed = timer.deadline, armed <= time { return }
        loop.schedule(timer, at: time)
    }

    private func makeTimer() -> LoopTimer {
        let timer = LoopTimer { [weak self] in self?.fire() }
        self.timer = timer
        return timer
    }

    private func fire() {
        let now = Instant.now
        for transfer in active where transfer.place >= 0 {
            if transfer.deadline <= now {
                abort(transfer, transfer.late(now))
            } else if transfer.connection?.isConnecting == true, transfer.attemptEnds <= now {
                attemptFailed(transfer, ETIMEDOUT)
            }
        }
        var next = Instant.distantFuture
        for transfer in active {
            next = min(next, transfer.deadline)
            if transfer.connection?.isConnecting == true { next = min(next, transfer.attemptEnds) }
        }
        if !active.isEmpty { arm(at: next) }
    }

    // MARK: The user's life

    func iterationEnded() {
        epoch += 1
        closeIdle()
    }

    func userEnded() {
        ended = true
        for transfer in active { abort(transfer, .cancelled(transfer.url)) }
        closeIdle()
        spare = nil
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func closeIdle() {
        let closing = idle
        idle.removeAll(keepingCapacity: true)
        for connection in closing { connection.close() }
    }
}
