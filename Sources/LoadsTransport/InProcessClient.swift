import LoadsEventLoop

/// A client's end of an ``InProcessHub``.
final class InProcessClient: ClientTransport, @unchecked Sendable {
    // @unchecked: everything is touched on the loop only, as the protocol demands.
    let loop: EventLoop
    private let hub: InProcessHub
    private var receiver: (any ClientReceiver)?
    private var end: InProcessEnd?
    private var prefixes: Set<String> = []
    private var streams = false

    init(loop: EventLoop, hub: InProcessHub) {
        self.loop = loop
        self.hub = hub
    }

    func open(_ receiver: any ClientReceiver) throws(TransportError) {
        loop.checkIsolated()
        guard end == nil else { return }
        self.receiver = receiver
        let end = InProcessEnd(loop: loop, connected: { [self] in self.receiver?.connected() })
        self.end = end
        end.fromMaster.attach(Pipe.Consumer(loop: loop) { [self] in self.receiver?.received(control: $0) })
        end.stream.attach(Pipe.Consumer(loop: loop) { [self] in self.receiver?.received(topic: $0.0, $0.1) })
        hub.open(end)
    }

    func connectStream(host: String?, port: Int) {
        guard let end, !streams else { return }
        streams = true
        for prefix in prefixes { hub.subscribe(end, prefix, wanted: true) }
    }

    func subscribe(_ prefix: String) {
        guard prefixes.insert(prefix).inserted, let end, streams else { return }
        hub.subscribe(end, prefix, wanted: true)
    }

    func unsubscribe(_ prefix: String) {
        guard prefixes.remove(prefix) != nil, let end, streams else { return }
        hub.subscribe(end, prefix, wanted: false)
    }

    func send(_ message: [UInt8]) -> Bool { end?.toMaster.send(message, size: message.count) ?? false }

    func close() {
        receiver = nil
        if let end { hub.close(end) }
        end = nil
        streams = false
    }
}
