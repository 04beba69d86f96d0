internal import CCurl
internal import HTTPTypes
internal import LoadsCore
internal import LoadsEventLoop

/// The engine for everything: libcurl's multi interface on the user's event loop.
///
/// Each engine has a multi handle of its own, made at the first exchange. Users' connections are thereby apart, and
/// libcurl's search of its connection list, which is linear for each host, stays short whatever the number of users.
final class CurlEngine: Engine, FileHandler, @unchecked Sendable {
    // @unchecked: confined to the loop's thread; `perform` checks it, callbacks come from calls made there.

    let loop: EventLoop
    private let resolver: Resolver
    private var multi: UnsafeMutableRawPointer?
    private var idle: [CurlTransfer] = []
    private var active: [CurlTransfer] = []
    /// Transfers whose callbacks asked for something that must be done outside of them.
    var waitingForWork: [CurlTransfer] = []
    private var sockets: [Socket] = []
    private var timer: LoopTimer?
    /// When libcurl wants to be called. The timer may be armed earlier and is then armed anew: libcurl moves its
    /// time-outs at every transfer, nearly always to a later point.
    private var wanted: Instant?
    private var kicked = false
    private var renewsWhenIdle = false
    private var ended = false
    private var route: CurlRoute?
    private var routeNumber = 0
    /// The options of the last exchange, numbered so that they are compared once for each exchange.
    private var options = ConnectionOptions()
    private var optionsNumber = 0
    /// libcurl's callbacks know the engine by its address: while there is a multi handle, it stays.
    private var keepAlive: CurlEngine?

    /// A socket of libcurl's. A dormant one is not watched by libcurl now, but still by us: taking a watch back and
    /// setting it up again for every request would cost two system calls.
    private struct Socket {
        var descriptor: Int32
        var isDormant: Bool
    }

    /// Idle handles kept: more than a user's parallel requests are rare.
    private static let idleLimit = 4
    /// Once for the process: a static constant is made under a lock.
    static let globalInit: Void = { _ = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()

    init(loop: EventLoop, resolver: Resolver = .shared) {
        self.loop = loop
        self.resolver = resolver
    }

    // MARK: An exchange

    func perform(_ exchange: Exchange) async throws(SessionError) -> ExchangeResult {
        precondition(loop.isOnLoop, "an engine's exchange off its loop")
        let start = Instant.now
        var dns: Int64 = 0
        if route?.serves(exchange.url, options: number(of: exchange.connection), at: start) != true {
            dns = try await findRoute(exchange)
        }
        guard let route, !ended else {
            var failure = SessionError.cancelled(exchange.url)
            var phases = Phases()
            phases.dns = dns
            failure.cost = ExchangeCost(phases: phases)
            throw failure
        }
        let transfer = idle.popLast() ?? CurlTransfer(engine: self)
        transfer.prepare(exchange, route, start: start, dns: dns)
        let generation = transfer.generation
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                transfer.continuation = continuation
                if Task.isCancelled {
                    transfer.finish(.failure(.cancelled(exchange.url)))
                    recycle(transfer)
                } else {
                    begin(transfer)
                }
            }
        } onCancel: {
            loop.submit { self.cancel(transfer, generation) }
        }
        return try outcome.get()
    }

    private func begin(_ transfer: CurlTransfer) {
        let multi = multi ?? makeMulti()
        transfer.place = active.count
        active.append(transfer)
        curl_multi_add_handle(multi, transfer.easy)
        kick()
        transfer.noteSent()
        drain()
    }

    /// Gives up a transfer, if it is still the one that the caller means.
    private func cancel(_ transfer: CurlTransfer, _ generation: Int) {
        guard transfer.generation == generation else { return }
        abort(transfer, .cancelled(transfer.url))
    }

    /// Ends a transfer before its time. Never called inside a callback of libcurl.
    func abort(_ transfer: CurlTransfer, _ error: SessionError) {
        guard transfer.place >= 0 else { return }
        // While libcurl still has the transfer: what it knows of it goes with its removal.
        let failure = transfer.withCost(error)
        remove(transfer)
        transfer.finish(.failure(failure))
        recycle(transfer)
    }

    private func remove(_ transfer: CurlTransfer) {
        let last = active.removeLast()
        if last !== transfer {
            active[transfer.place] = last
            last.place = transfer.place
        }
        transfer.place = -1
        if let multi { curl_multi_remove_handle(multi, transfer.easy) }
    }

    private func recycle(_ transfer: CurlTransfer) {
        transfer.reset()
        if !ended && idle.count < Self.idleLimit { idle.append(transfer) }
        if renewsWhenIdle && active.isEmpty { closeConnections() }
    }

    // MARK: Driving libcurl

    /// Lets libcurl work on what it asked for with a time-out of 0, without a round through the poller.
    private func kick() {
        var running: Int32 = 0
        var rounds = 0
        while kicked, let multi, rounds < 16 {
            kicked = false
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
            rounds += 1
        }
        if kicked { arm(at: .now) }
    }

    func handle(_ events: FileEvents, on descriptor: Int32) {
        guard let multi else { return }
        if let index = sockets.firstIndex(where: { $0.descriptor == descriptor }), sockets[index].isDormant {
            // An idle connection became readable: the server closed it. libcurl finds out when it looks at it next.
            sockets.remove(at: index)
            loop.deregister(descriptor)
            return
        }
        var mask: Int32 = 0
        if events.contains(.readable) { mask |= CURL_CSELECT_IN }
        if events.contains(.writable) { mask |= CURL_CSELECT_OUT }
        if events.contains(.hangup) { mask |= CURL_CSELECT_IN | CURL_CSELECT_ERR }
        var running: Int32 = 0
        curl_multi_socket_action(multi, descriptor, mask, &running)
        kick()
        drain()
    }

    /// Finishes what is complete.
    func drain() {
        // First, so that a stream whose whole body came at once is handed over before it ends.
        while let transfer = waitingForWork.popLast() { transfer.work() }
        guard let multi else { return }
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let pointer = loads_easy_get_private(easy) else { continue }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue()
            let result = transfer.complete(code)
            if transfer.madeConnection, route?.takesTurns == true { renewRoute() }
            remove(transfer)
            transfer.finish(result)
            recycle(transfer)
        }
    }

    /// Resumes a paused transfer. From the loop, never inside a callback.
    func unpause(_ transfer: CurlTransfer) {
        guard transfer.place >= 0 else { return }
        let code = curl_easy_pause(transfer.easy, CURLPAUSE_CONT)
        if code != CURLE_OK { return abort(transfer, transfer.error(code)) }
        kick()
        drain()
    }

    private func arm(at time: Instant) {
        wanted = time
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
        guard let wanted, let timer else { return }
        if wanted > .now {
            loop.schedule(timer, at: wanted)
            return
        }
        self.wanted = nil
        kicked = true
        kick()
        drain()
    }

    // MARK: Callbacks

    private func makeMulti() -> UnsafeMutableRawPointer {
        _ = Self.globalInit
        let multi = curl_multi_init()!
        let me = Unmanaged.passUnretained(self).toOpaque()
        _ = loads_multi_set_socket_function(multi, socketCallback, me)
        _ = loads_multi_set_timer_function(multi, timerCallback, me)
        _ = loads_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 16)
        self.multi = multi
        keepAlive = self
        return multi
    }

    fileprivate func socketChanged(_ descriptor: Int32, _ what: Int32) {
        let index = sockets.firstIndex { $0.descriptor == descriptor }
        if what == CURL_POLL_REMOVE {
            if let index { sockets[index].isDormant = true }
            return
        }
        var interest: FileEvents = []
        if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        if let index {
            sockets[index].isDormant = false
            if loop.update(descriptor, interest: interest) { return }
        } else {
            sockets.append(Socket(descriptor: descriptor, isDormant: false))
        }
        loop.register(descriptor, interest: interest, handler: self)
    }

    fileprivate func timerChanged(_ milliseconds: Int) {
        if milliseconds < 0 {
            wanted = nil
        } else if milliseconds == 0 {
            kicked = true
        } else {
            arm(at: .now.advanced(by: .milliseconds(milliseconds)))
        }
    }

    func socketClosing(_ descriptor: Int32) {
        guard let index = sockets.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        sockets.remove(at: index)
        loop.deregister(descriptor)
    }

    // MARK: UserAttachment

    func iterationEnded() {
        if active.isEmpty { closeConnections() } else { renewsWhenIdle = true }
    }

    func userEnded() {
        ended = true
        for transfer in active { abort(transfer, .cancelled(transfer.url)) }
        closeConnections()
        idle.removeAll()
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func closeConnections() {
        renewsWhenIdle = false
        if let multi {
            self.multi = nil
            curl_multi_cleanup(multi)
        }
        wanted = nil
        kicked = false
        // The addresses were the multi handle's.
        renewRoute()
        keepAlive = nil
    }
}

// Formed outside any actor: a closure made on the main actor would trap on the loop's thread.
private let socketCallback: loads_socket_function = { _, descriptor, what, user, _ in
    Unmanaged<CurlEngine>.fromOpaque(user!).takeUnretainedValue().socketChanged(descriptor, what)
    return 0
}

private let timerCallback: loads_timer_function = { _, milliseconds, user in
    Unmanaged<CurlEngine>.fromOpaque(user!).takeUnretainedValue().timerChanged(milliseconds)
    return 0
}

// MARK: Names

extension CurlEngine {
    /// Numbers options; equal ones in a row have the same number.
    func number(of connection: ConnectionOptions) -> Int {
        if connection != options {
            options = connection
            optionsNumber += 1
        }
        return optionsNumber
    }

    /// Which of a name's addresses comes first for the next connection.
    func nextTurn() -> Int { resolver.nextTurn() }

    /// Has libcurl told the addresses anew, the next one first.
    private func renewRoute() {
        routeNumber += 1
        route?.number = routeNumber
    }

    /// Finds the addresses that an exchange needs, off the loop if they are not known yet.
    ///
    /// - Returns: The time it took to wait for them; 0 when they were known.
    private func findRoute(_ exchange: Exchange) async throws(SessionError) -> Int64 {
        guard let origin = CurlRoute.origin(of: exchange.url),
            let places = CurlRoute.places(for: origin, exchange.connection)
        else {
            throw SessionError(
                code: .badURL,
                message: "\(exchange.url): not an http or https URL with an ASCII host (write names beyond ASCII as "
                    + "xn--…), or its proxy or pin is not host:port",
                url: exchange.url)
        }
        var names: [(CurlRoute.Place, Resolver.Answer)] = []
        var expires = Instant.distantFuture
        var dns: Int64 = 0
        for (place, role) in places {
            var answer = resolver.known(place.host)
            if answer == nil {
                let asked = Instant.now
                let limit = min(exchange.deadline, asked.advanced(by: exchange.connection.connectTimeout))
                do {
                    answer = try await resolver.resolve(place.host, on: loop, until: limit)
                } catch {
                    var failure = CurlFailure.unresolved(place.host, role, error, exchange.url)
                    var phases = Phases()
                    phases.dns = dns + Instant.now.nanoseconds(since: asked)
                    failure.cost = ExchangeCost(phases: phases)
                    throw failure
                }
                dns += Instant.now.nanoseconds(since: asked)
            }
            guard let answer else { continue }
            names.append((place, answer))
            expires = min(expires, answer.expires)
        }
        let options = number(of: exchange.connection)
        routeNumber += 1
        route = CurlRoute(origin: origin, options: options, number: routeNumber, names: names, expires: expires)
        return dns
    }
}
