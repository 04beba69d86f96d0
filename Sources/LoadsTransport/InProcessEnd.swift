import LoadsEventLoop
import Synchronization

/// What joins an agent or a client to the hub: a pipe for each channel and direction.
final class InProcessEnd: Sendable {
    let toMaster = Pipe<[UInt8]>(limit: .control)
    let fromMaster = Pipe<[UInt8]>(limit: .control)
    let results: Pipe<[UInt8]>
    let stream = Pipe<(String, [UInt8])>(limit: .stream)
    /// Whether the results channel is open. Behind a mutex, since the hub asks on any thread.
    let wantsResults = Mutex(false)
    private let loop: EventLoop
    private let connected: @Sendable () -> Void

    /// - Parameters:
    ///   - connected: Called on the loop for each connection that stands.
    ///   - writable: Called on the loop when results are taken again.
    init(loop: EventLoop, connected: @escaping @Sendable () -> Void, writable: @escaping @Sendable () -> Void = {}) {
        self.loop = loop
        self.connected = connected
        results = Pipe(limit: .results) { loop.submit(writable) }
    }

    func announce() { loop.submit(connected) }
}
