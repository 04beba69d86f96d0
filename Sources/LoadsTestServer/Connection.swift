import CLinux
import Glibc
import LoadsEventLoop

/// One client: reads requests, carries out the steps of their answers. Confined to its loop.
final class Connection: FileHandler {
    private let descriptor: Int32
    private unowned let worker: Worker
    private var parser = RequestParser()
    private var interest: FileEvents = .readable
    private var timer: LoopTimer?
    private var paused = false

    private var head: RequestHead?
    private var body: [UInt8] = []
    private var pace: Answer.Pace?
    /// The request's body has arrived.
    private var complete = false
    private var answered = false
    private var processing = false
    private var steps: ArraySlice<Step> = []
    private var waiting = false
    private var unsent: [UInt8] = []
    private var sent = 0
    private var lingering = false
    private var closed = false

    /// The longest body that is kept for an answer; of a longer one only the first bytes are.
    private static let bodyLimit = 16 << 20
    /// How much a client may send ahead while it waits for an answer.
    private static let aheadLimit = 1 << 20
    private static let block = Script.filler(64 << 10)

    init(_ descriptor: Int32, _ worker: Worker) {
        self.descriptor = descriptor
        self.worker = worker
    }

    func handle(_ events: FileEvents, on descriptor: Int32) {
        if events.contains(.writable) { advance() }
        if !closed && (events.contains(.readable) || events.contains(.hangup)) { read() }
        if !closed { watch() }
    }

    /// Closes at once, without a word.
    func close() {
        guard !closed else { return }
        closed = true
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        worker.loop.deregister(descriptor)
        _ = Glibc.close(descriptor)
        worker.forget(descriptor)
    }

    // MARK: Reading

    private func read() {
        let count = recv(
            descriptor, worker.scratch.baseAddress,
            pace.map { min($0.bytes, worker.scratch.count) } ?? worker.scratch.count, 0)
        guard count > 0 else {
            if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
            if isBusy { worker.count { $0.abandoned += 1 } }
            close()
            return
        }
        worker.count { $0.bytesReceived += count }
        if lingering { return }
        parser.receive(UnsafeRawBufferPointer(rebasing: worker.scratch[..<count]))
        if let pace {
            paused = true
            arm(pace.pause)
        }
        process()
    }

    /// Whether a request is being received or answered.
    private var isBusy: Bool { head != nil && !lingering }

    /// Looks at what was received until an answer is under way or more bytes are needed.
    private func process() {
        // An answer that is done at once comes back here: the loop below goes on, without recursion.
        if processing { return }
        processing = true
        defer { processing = false }
        while isFree {
            if answered && complete { finish() }
            guard let event = parser.next() else { return }
            switch event {
            case .head(let new): begin(new)
            case .body(let bytes):
                if body.count < Self.bodyLimit { body += bytes }
            case .end:
                complete = true
                if !answered { answer() }
            case .failed(let status, let reason):
                let head = RequestHead(method: "GET", target: "/", keepsAlive: false)
                steps = [.send(Reply(status, reason + "\n").bytes(to: head)), .close]
                advance()
            }
        }
    }

    /// Whether no answer is under way.
    private var isFree: Bool { !closed && !lingering && !waiting && steps.isEmpty && sent == unsent.count }

    private func begin(_ new: RequestHead) {
        head = new
        worker.count { $0.countRequest(String(new.path)) }
        guard new.framing != .none else { return }
        let plan = Script.answer(to: new)
        pace = plan.pace
        if pace != nil {
            // A small window, so that a client that does not wait for us is seen to.
            var size: Int32 = 64 << 10
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        if plan.early {
            answer()
        } else if new.expectsContinue {
            send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
    }

    private func answer() {
        guard let head else { return }
        answered = true
        steps =
            Script.answer(to: head, body: body, worker.surroundings())
            .steps[...]
        if !head.keepsAlive && steps.last != .close { steps.append(.close) }
        advance()
    }

    /// The request and its answer are done.
    private func finish() {
        head = nil
        answered = false
        complete = false
        pace = nil
        if !body.isEmpty { body = [] }
    }

    // MARK: Answering

    /// Carries out steps until one has to wait.
    private func advance() {
        guard !closed, flush() else { return }
        // Bounded, so that an endless body does not keep the others waiting; the socket will say that it is writable.
        var left = 32
        while left > 0, !waiting, !lingering, let step = steps.popFirst() {
            take(step)
            guard !closed, flush() else { return }
            left -= 1
        }
        if isFree { process() }
    }

    private func take(_ step: Step) {
        switch step {
        case .send(let bytes): send(bytes)
        case .fill(let count):
            let part = min(count, Self.block.count)
            send(part == Self.block.count ? Self.block : Array(Self.block[..<part]))
            if count > part { steps = [.fill(count == .max ? .max : count - part)] + steps }
        case .drip(let bytes, let pause):
            guard let first = bytes.first else { return }
            // The byte follows the pause: both become steps of their own.
            steps = [.wait(pause), .send([first]), .drip(bytes.dropFirst(), every: pause)] + steps
        case .wait(let duration):
            waiting = true
            arm(duration)
        case .never: waiting = true
        case .close:
            // Closing a socket that holds unread bytes resets it, and the answer with it: let the client go first.
            shutdown(descriptor, Int32(SHUT_WR))
            lingering = true
            arm(.seconds(2))
        case .reset:
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            close()
        }
    }

    private func send(_ bytes: [UInt8]) {
        if sent == unsent.count {
            unsent = bytes
            sent = 0
        } else {
            unsent += bytes
        }
        _ = flush()
    }

    /// Writes what is due. Returns whether all of it is gone.
    private func flush() -> Bool {
        while sent < unsent.count {
            let count = unsent.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN {
                    worker.count { $0.abandoned += 1 }
                    close()
                }
                return false
            }
            sent += count
            worker.count { $0.bytesSent += count }
        }
        return true
    }

    // MARK: Waiting

    private func arm(_ duration: Duration) {
        let timer = self.timer ?? LoopTimer { [unowned self] in fire() }
        self.timer = timer
        worker.loop.schedule(timer, at: .now.advanced(by: duration))
    }

    private func fire() {
        if lingering {
            close()
            return
        }
        paused = false
        if waiting {
            waiting = false
            advance()
        } else {
            process()
        }
        if !closed { watch() }
    }

    private func watch() {
        var wanted: FileEvents = []
        if !paused && (isFree || lingering || parser.buffered < Self.aheadLimit) { wanted.insert(.readable) }
        if sent < unsent.count || (!steps.isEmpty && !waiting) { wanted.insert(.writable) }
        if wanted != interest {
            interest = wanted
            worker.loop.update(descriptor, interest: wanted)
        }
    }
}
