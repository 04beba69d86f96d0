import CLinux
import Glibc
import LoadsEventLoop
import LoadsReport
import Synchronization

/// Serves the metrics on a listening socket. Confined to its loop, but for starting and stopping.
final class MetricsServer: FileHandler, @unchecked Sendable {
    // @unchecked: `clients` and `scrape` are touched on the loop only; `isOpen` is atomic.
    private let socket: ListeningSocket
    private var listener: Int32 { socket.descriptor }
    private let loop: EventLoop
    private let isOpen = Atomic(true)
    private var clients: [Int32: MetricsClient] = [:]
    private var scrape: (@Sendable () -> [UInt8])?

    /// Clients at the same time; further ones wait in the system's queue.
    private static let clientLimit = 32

    init(_ socket: ListeningSocket, loop: EventLoop) {
        self.socket = socket
        self.loop = loop
    }

    /// - Parameter scrape: Makes the metrics, on the loop.
    func start(_ scrape: @escaping @Sendable () -> [UInt8]) {
        loop.submit { [self] in
            self.scrape = scrape
            loop.register(listener, interest: .readable, handler: self)
        }
    }

    /// Closes everything. From any thread; again is harmless.
    func stop() {
        guard isOpen.exchange(false, ordering: .relaxed) else { return }
        let taken = loop.submit { [self] in
            loop.deregister(listener)
            socket.close()
            for client in Array(clients.values) { client.close() }
            scrape = nil
        }
        if !taken { socket.close() }
    }

    func handle(_ events: FileEvents, on descriptor: Int32) {
        while clients.count < Self.clientLimit {
            let descriptor = loads_accept(listener)
            guard descriptor >= 0 else { return }
            let client = MetricsClient(
                descriptor, loop, answer: { [unowned self] in scrape?() ?? [] },
                ended: { [unowned self] in forget(descriptor) })
            clients[descriptor] = client
            client.start()
        }
        loop.update(listener, interest: [])
    }

    private func forget(_ descriptor: Int32) {
        if clients.count == Self.clientLimit, isOpen.load(ordering: .relaxed) {
            loop.update(listener, interest: .readable)
        }
        clients[descriptor] = nil
    }
}

/// One client: a request, an answer, the end. Confined to its loop.
private final class MetricsClient: FileHandler {
    private let descriptor: Int32
    private let loop: EventLoop
    private let answer: () -> [UInt8]
    private let ended: () -> Void
    private var request = ScrapeRequest()
    private var unsent: ArraySlice<UInt8>?
    private var timer: LoopTimer?
    private var isClosed = false

    /// For all of it: who is slower is let go.
    private static let timeLimit = Duration.seconds(10)

    init(
        _ descriptor: Int32, _ loop: EventLoop, answer: @escaping () -> [UInt8], ended: @escaping () -> Void
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.answer = answer
        self.ended = ended
    }

    func start() {
        let timer = LoopTimer { [unowned self] in close() }
        self.timer = timer
        loop.schedule(timer, at: .now.advanced(by: Self.timeLimit))
        if !loop.register(descriptor, interest: .readable, handler: self) { close() }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if let timer { loop.cancel(timer) }
        timer = nil
        loop.deregister(descriptor)
        Glibc.close(descriptor)
        ended()
    }

    func handle(_ events: FileEvents, on _: Int32) {
        if unsent == nil { read() }
        if !isClosed, unsent != nil { write() }
    }

    private func read() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return close() }
        guard let wanted = request.receive(bytes[..<count]) else { return }
        unsent =
            ScrapeRequest.response(wanted, metrics: answer, type: RunMetrics.prometheusType)[...]
        loop.update(descriptor, interest: .writable)
    }

    private func write() {
        while let rest = unsent, !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { return close() }
            unsent = rest.dropFirst(count)
        }
        close()
    }
}
