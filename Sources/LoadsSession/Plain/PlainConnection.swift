internal import Glibc
internal import LoadsEventLoop

/// One TCP connection of a user: idle, being made, or busy with one exchange. On the engine's loop only.
final class PlainConnection: FileHandler {
    // Strong: an engine lives as long as it has connections; closing them ends the circle.
    let engine: PlainEngine
    let place: PlainPlace
    let descriptor: Int32
    /// The engine's count of iterations whose ends renewed its connections.
    let epoch: Int
    var parser = ResponseParser()
    /// nil while the connection is idle.
    private(set) var transfer: PlainTransfer?
    private(set) var isConnecting: Bool
    /// Exchanges completed here.
    private(set) var uses = 0
    private var interest: FileEvents
    private var isRegistered = false
    private var isClosed = false

    /// Begins to connect.
    ///
    /// - Returns: nil and the system's error when not even that is possible.
    static func open(_ address: SocketAddress, for transfer: PlainTransfer) -> (PlainConnection?, Int32) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, type, 0)
        guard descriptor >= 0 else { return (nil, errno) }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let code = address.with { connect(descriptor, $0, $1) }
        let failure = code == 0 ? 0 : errno
        guard code == 0 || failure == EINPROGRESS || failure == EINTR else {
            Glibc.close(descriptor)
            return (nil, failure)
        }
        let connection = PlainConnection(transfer, descriptor, isConnecting: code != 0)
        if connection.watch() { return (connection, 0) }
        let refusal = errno
        connection.close()
        return (nil, refusal)
    }

    private init(_ transfer: PlainTransfer, _ descriptor: Int32, isConnecting: Bool) {
        engine = transfer.engine
        place = transfer.request.place
        epoch = engine.epoch
        self.descriptor = descriptor
        self.isConnecting = isConnecting
        interest = isConnecting ? .writable : .readable
        self.transfer = transfer
    }

    deinit { if !isClosed { Glibc.close(descriptor) } }

    /// Whether the kernel would have an error for us: what made a connection fail.
    private func takeError() -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        return code
    }

    // MARK: Watching

    func watch() -> Bool {
        isRegistered = engine.loop.register(descriptor, interest: interest, handler: self)
        return isRegistered
    }

    /// Watches for what the exchange waits for.
    func updateInterest() {
        var events: FileEvents = transfer?.held == nil ? .readable : []
        if transfer?.waitsToSend == true { events.insert(.writable) }
        if events == interest && isRegistered || isClosed { return }
        interest = events
        if isRegistered { engine.loop.update(descriptor, interest: events) } else { _ = watch() }
    }

    private func unwatch() {
        if isRegistered { engine.loop.deregister(descriptor) }
        isRegistered = false
    }

    func handle(_ events: FileEvents, on descriptor: Int32) {
        guard let transfer else {
            // Nothing is expected: the server has closed, or says what nobody asked for.
            engine.forget(self)
            return
        }
        if isConnecting {
            let code = takeError()
            isConnecting = false
            if code != 0 { return engine.attemptFailed(transfer, code) }
            engine.connected(transfer)
            return
        }
        if events.contains(.writable), transfer.waitsToSend { send() }
        guard self.transfer != nil, !isClosed else { return }
        if transfer.held != nil {
            // Nobody reads: the end is seen when somebody does. A hang-up would be told again and again.
            if events.contains(.hangup) { unwatch() }
        } else if events.contains(.readable) || events.contains(.hangup) {
            receive()
        }
    }

    // MARK: Exchanges

    /// Takes on an exchange.
    func begin(_ transfer: PlainTransfer) {
        self.transfer = transfer
        transfer.connection = self
        parser.begin(isHead: transfer.request.isHead)
        transfer.rewind()
        send()
    }

    /// Is free again.
    func release() {
        transfer = nil
        uses += 1
        updateInterest()
    }

    func close() {
        transfer = nil
        if isClosed { return }
        isClosed = true
        unwatch()
        Glibc.close(descriptor)
    }
}
