import LoadsEventLoop

/// A master's end of an ``InProcessHub``.
final class InProcessMaster: MasterTransport, @unchecked Sendable {
    // @unchecked: the receiver and the counters are touched on the loop only, as the protocol demands.
    let loop: EventLoop
    private let hub: InProcessHub
    private var receiver: (any MasterReceiver)?
    private(set) var counters = TransportCounters()

    init(loop: EventLoop, hub: InProcessHub) {
        self.loop = loop
        self.hub = hub
    }

    func open(_ receiver: any MasterReceiver) throws(TransportError) -> MasterAddresses {
        loop.checkIsolated()
        self.receiver = receiver
        guard hub.open(self) else {
            self.receiver = nil
            throw TransportError(code: .bind, message: "this process has a master already: close it first")
        }
        return MasterAddresses(control: "inproc://control", results: "inproc://results", stream: "inproc://stream")
    }

    func send(_ message: [UInt8], to peer: Peer) -> Bool {
        guard receiver != nil else { return false }
        let taken = hub.send(message, to: peer)
        if !taken { counters.undelivered += 1 }
        return taken
    }

    func publish(_ message: [UInt8], topic: String) {
        guard receiver != nil else { return }
        counters.missed += hub.publish(message, topic: topic)
    }

    func close() {
        receiver = nil
        hub.close(self)
    }

    // MARK: For the hub, from any thread

    func controlConsumer(_ peer: Peer) -> Pipe<[UInt8]>.Consumer {
        Pipe.Consumer(loop: loop) { [self] in receiver?.received(control: $0, from: peer, .loopback) }
    }

    var resultsConsumer: Pipe<[UInt8]>.Consumer {
        Pipe.Consumer(loop: loop) { [self] in receiver?.received(result: $0, .loopback) }
    }

    func note(_ prefix: String, wanted: Bool) {
        loop.submit { [self] in receiver?.subscription(prefix: prefix, wanted: wanted) }
    }
}
