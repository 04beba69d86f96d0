public import LoadsEventLoop

/// An agent's channels to its master, whatever carries them. Connects again for ever after a cut.
///
/// Confined to its loop, like ``MasterTransport``.
public protocol AgentTransport: AnyObject, Sendable {
    /// Where every call is made.
    var loop: EventLoop { get }
    /// Opens the control channel.
    func open(_ receiver: any AgentReceiver) throws(TransportError)
    /// Opens the results channel, or moves it: the welcome names the port, and a host unless it is the master's.
    func connectResults(host: String?, port: Int)
    /// Sends a control message. While no connection stands it waits, and leaves with the next one.
    ///
    /// - Returns: False when nothing more is taken now: the master is away for long. The message was dropped.
    @discardableResult func send(_ message: [UInt8]) -> Bool
    /// Sends a results message. What was taken may still be lost with the connection.
    ///
    /// - Returns: False when nothing more is taken now; ``AgentReceiver/resultsWritable()`` says when to try again.
    func push(_ message: [UInt8]) -> Bool
    /// Drops the connections and makes them anew: what waits in the transport's queues is given up.
    func reconnect()
    /// Closes the channels; what was sent is given a moment to leave. Nothing is received any more.
    func close()
}

/// Receives what comes for an agent, on the transport's loop.
public protocol AgentReceiver: AnyObject, Sendable {
    /// A connection stands: the first, or another after a cut. To the master it is a new peer, which says hello first.
    func connected()
    /// A control message of the master's.
    func received(control message: [UInt8])
    /// The results channel takes messages again. May come without need.
    func resultsWritable()
    /// The master cannot be reached, or turns this peer away: for a person. Each kind is told once
    /// until a connection stands, not at every attempt.
    func trouble(_ trouble: TransportError)
}

extension AgentReceiver {
    /// A receiver that need not know.
    public func connected() {}
    /// A receiver that need not know.
    public func trouble(_ trouble: TransportError) {}
}

/// A client's or watcher's channels to a master: requests and answers, and the stream.
///
/// Confined to its loop, like ``MasterTransport``.
public protocol ClientTransport: AnyObject, Sendable {
    /// Where every call is made.
    var loop: EventLoop { get }
    /// Opens the control channel.
    func open(_ receiver: any ClientReceiver) throws(TransportError)
    /// Opens the stream: the welcome names the port, and a host unless it is the master's.
    func connectStream(host: String?, port: Int)
    /// Subscribes to all topics that begin with a prefix.
    func subscribe(_ prefix: String)
    /// Ends a subscription, by the prefix that it was made with; without one nothing happens.
    func unsubscribe(_ prefix: String)
    /// Sends a control message, like ``AgentTransport/send(_:)``.
    @discardableResult func send(_ message: [UInt8]) -> Bool
    /// Closes the channels; what was sent is given a moment to leave. Nothing is received any more.
    func close()
}

/// Receives what comes for a client, on the transport's loop.
public protocol ClientReceiver: AnyObject, Sendable {
    /// A connection stands: the first, or another after a cut. To the master it is a new peer, which says hello first.
    func connected()
    /// An answer of the master's.
    func received(control message: [UInt8])
    /// A message of the stream.
    func received(topic: String, _ message: [UInt8])
    /// The master cannot be reached, or turns this peer away: for a person. Each kind is told once
    /// until a connection stands, not at every attempt.
    func trouble(_ trouble: TransportError)
}

extension ClientReceiver {
    /// A receiver that need not know.
    public func connected() {}
    /// A receiver that need not know.
    public func trouble(_ trouble: TransportError) {}
}
