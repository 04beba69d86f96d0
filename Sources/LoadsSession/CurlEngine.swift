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

    /// A socket of libcurl's. A dormant one is not watched by libcurl now, but still by us: taking a watch back and
    /// setting it up again for every request would cost two system calls.
    private struct Socket {
        var descriptor: Int32
        var isDormant: Bool
    }

    /// Idle handles kept: more than a user's parallel requests are rare.
    private static let idleLimit = 4
    private static let globalInit: Void = { _ = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()

    init(loop: EventLoop, resolver: Resolver = .shared) {
        self.loop = loop
        self.resolver = resolver
    }

    // MARK: An exchange

    func perform(_ exchange: Exchange) async throws(SessionError) -> ExchangeResult {
        precondition(loop.isOnLoop, "an engine's exchange off its loop")
        let start = Instant.now
        if ended { throw CurlTransfer.cancelled(exchange.url) }
        let route = try await route(for: exchange)
        let dns = route.isLooked ? Instant.now.nanoseconds(since: start) : 0

        let transfer = idle.popLast() ?? CurlTransfer(engine: self)
        transfer.prepare(exchange, route, start: start, dns: dns)
        let generation = transfer.generation
        let outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                transfer.continuation = continuation
                if Task.isCancelled {
                    transfer.finish(.failure(CurlTransfer.cancelled(exchange.url)))
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
        abort(transfer, CurlTransfer.cancelled(transfer.url))
    }

    /// Ends a transfer before its time. Never called inside a callback of libcurl.
    func abort(_ transfer: CurlTransfer, _ error: SessionError) {
        guard transfer.place >= 0 else { return }
        remove(transfer)
        transfer.finish(.failure(error))
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
        if ended || idle.count >= Self.idleLimit { return }
        idle.append(transfer)
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
            remove(transfer)
            transfer.finish(result)
            recycle(transfer)
        }
    }

    /// Resumes a paused transfer. From the loop, never inside a callback.
    func unpause(_ transfer: CurlTransfer) {
        guard transfer.place >= 0 else { return }
        curl_easy_pause(transfer.easy, CURLPAUSE_CONT)
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
        let timer = LoopTimer { [unowned self] in fire() }
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
        _ = loads_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 32)
        self.multi = multi
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

    /// Which of a name's addresses comes first next time: all are used in turn, by users and by connections.
    func nextTurn() -> Int {
        turn += 1
        return turn
    }

    private var turn = Int.random(in: 0..<64)

    // MARK: UserAttachment

    func iterationEnded() {
        if active.isEmpty { closeConnections() } else { renewsWhenIdle = true }
    }

    func userEnded() {
        ended = true
        for transfer in active { abort(transfer, CurlTransfer.cancelled(transfer.url)) }
        idle.removeAll()
        closeConnections()
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
        for transfer in idle { transfer.forgetRoute() }
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
    /// Finds the addresses that an exchange needs, off the loop if they are not known yet.
    private func route(for exchange: Exchange) async throws(SessionError) -> CurlRoute {
        guard let place = CurlRoute.place(of: exchange) else {
            return CurlRoute(resolved: nil, addresses: [], version: 0, isLooked: false)
        }
        if let known = resolver.known(place.host) {
            return CurlRoute(resolved: place, addresses: known.addresses, version: known.version, isLooked: false)
        }
        let limit = min(exchange.deadline, Instant.now.advanced(by: exchange.connection.connectTimeout))
        let found = try await resolver.resolve(place.host, on: loop, until: limit, url: exchange.url)
        return CurlRoute(resolved: place, addresses: found.addresses, version: found.version, isLooked: true)
    }
}
