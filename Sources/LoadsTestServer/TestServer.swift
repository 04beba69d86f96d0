import Glibc
public import LoadsEventLoop
import Synchronization

/// A small HTTP/1.1 server that does what a request's path says: delays, stalls, drips, redirects, faults.
///
/// For demos, tests and experiments; not for the Internet: it does whatever anybody asks of it. It listens on loopback
/// unless told otherwise, and counts what it has served.
///
/// | path | answer |
/// | --- | --- |
/// | `/` | a page of about 1 KiB |
/// | `/delay/MS`, `/mixed/MS:WEIGHT,…`, `/stall/A/B`, `/queue/PLACES/MS` | after a time |
/// | `/drip/BYTES/MS`, `/slow-headers`, `/never` | slowly, or not at all |
/// | `/bytes/N`, `/chunked/N`, `/endless`, `/upload` | large and small bodies |
/// | `/status/N`, `/redirect/N`, `/redirect-to?url=`, `/headers?…`, `/cookies/set?…`, `/echo` | what was asked for |
/// | `/close`, `/reset`, `/close-mid-body`, `/garbage`, `/half-header` … | faults |
/// | `/counts` | what was served, as JSON |
///
/// `Docs/TestServer.md` has them all.
public final class TestServer: Sendable {
    /// The port it listens on; 0 for a Unix socket.
    public let port: Int
    /// `http://ADDRESS:PORT`
    public let url: String
    private let workers: [Worker]
    private let listener: Int32
    /// The loops to end with the server: those it started itself.
    private let own: EventLoopGroup?
    private let unixSocket: String?

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - port: 0 is a free one.
    ///   - host: An IPv4 or IPv6 address of this machine.
    ///   - loops: How many loops of its own to serve on.
    /// - Throws: ``TestServerError`` when it cannot listen there.
    public convenience init(port: Int = 0, host: String = "127.0.0.1", loops: Int = 1) throws {
        let (listener, port) = try Listener.open(host: host, port: port)
        let group = EventLoopGroup(count: loops)
        let url = host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
        self.init(listener: listener, port: port, url: url, loops: group.loops, own: group, unixSocket: nil)
    }

    /// Starts listening, and serves on loops that the caller has and ends.
    public convenience init(port: Int = 0, host: String = "127.0.0.1", on loops: [EventLoop]) throws {
        let (listener, port) = try Listener.open(host: host, port: port)
        let url = host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
        self.init(listener: listener, port: port, url: url, loops: loops, own: nil, unixSocket: nil)
    }

    /// Starts listening on a Unix socket. A socket file that is there already is replaced.
    public convenience init(unixSocket path: String, loops: Int = 1) throws {
        let listener = try Listener.open(unixSocket: path)
        let group = EventLoopGroup(count: loops)
        self.init(
            listener: listener, port: 0, url: "http://localhost", loops: group.loops, own: group, unixSocket: path)
    }

    private init(
        listener: Int32, port: Int, url: String, loops: [EventLoop], own: EventLoopGroup?, unixSocket: String?
    ) {
        (self.listener, self.port, self.url, self.own, self.unixSocket) = (listener, port, url, own, unixSocket)
        let started = Instant.now
        let all = everyone
        workers = loops.map { loop in
            Worker(loop: loop, listener: listener, started: started) { all.counts }
        }
        all.fill(workers)
        for worker in workers { worker.loop.submit { worker.start() } }
    }

    /// What it has served so far.
    public var counts: Counts { workers.reduce(into: Counts()) { $0.add($1.counts) } }

    /// How many requests arrived so far.
    public var requests: Int { counts.requests }

    /// Closes the port and all connections. Calling it again is harmless.
    public func stop() async {
        for worker in workers {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let taken = worker.loop.submit {
                    worker.stop()
                    continuation.resume()
                }
                if !taken { continuation.resume() }
            }
        }
        closing.close(listener)
        everyone.clear()
        if let unixSocket { unlink(unixSocket) }
        await own?.shutdown()
    }

    private let closing = OneClose()
    private let everyone = WorkerList()
}

/// The workers as one of them sees all.
private final class WorkerList: Sendable {
    private let workers = Mutex<[Worker]>([])

    var counts: Counts { workers.withLock { $0 }.reduce(into: Counts()) { $0.add($1.counts) } }

    func fill(_ all: [Worker]) { workers.withLock { $0 = all } }

    /// Workers hold the list and the list holds them: somebody has to let go.
    func clear() { workers.withLock { $0 = [] } }
}
