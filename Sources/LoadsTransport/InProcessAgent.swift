import LoadsEventLoop

/// An agent's end of an ``InProcessHub``.
final class InProcessAgent: AgentTransport, @unchecked Sendable {
    // @unchecked: the receiver and the end are touched on the loop only, as the protocol demands.
    let loop: EventLoop
    private let hub: InProcessHub
    private var receiver: (any AgentReceiver)?
    private var end: InProcessEnd?

    init(loop: EventLoop, hub: InProcessHub) {
        self.loop = loop
        self.hub = hub
    }

    func open(_ receiver: any AgentReceiver) throws(TransportError) {
        loop.checkIsolated()
        guard end == nil else { return }
        self.receiver = receiver
        let end = InProcessEnd(
            loop: loop, connected: { [self] in self.receiver?.connected() },
            writable: { [self] in self.receiver?.resultsWritable() })
        self.end = end
        end.fromMaster.attach(Pipe.Consumer(loop: loop) { [self] in self.receiver?.received(control: $0) })
        hub.open(end)
    }

    func connectResults(host: String?, port: Int) {
        if let end { hub.connectResults(end) }
    }

    func send(_ message: [UInt8]) -> Bool { end?.toMaster.send(message, size: message.count) ?? false }

    func push(_ message: [UInt8]) -> Bool {
        end?.results.send(message, size: message.count, needsConsumer: true) ?? false
    }

    func reconnect() {
        if let end { hub.reconnect(end) }
    }

    func close() {
        receiver = nil
        if let end { hub.close(end) }
        end = nil
    }
}
