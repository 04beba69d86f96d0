internal import CCurl
internal import Glibc
internal import LoadsEventLoop
import Synchronization

/// Finds the addresses of names, off the loops, in one cache for the process.
///
/// libcurl's own resolver starts a thread for each name and waits for it when a transfer is cancelled. Here a few threads
/// do the asking, equal questions are asked once, and whoever waits can go at any time.
final class Resolver: Sendable {
    /// The addresses of a name, and a number that changes when they do.
    struct Answer: Sendable {
        var addresses: [String]
        var version: Int
    }

    /// Why a name has no addresses.
    struct Failure: Error {
        var message: String
    }

    typealias Lookup = @Sendable (String) -> Result<[String], Failure>

    /// The one for the process: the system's name service, answers kept for 60 s.
    static let shared = Resolver()

    private struct Entry {
        var answer: Answer
        var expires: Instant
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var waiters: [String: [Waiter]] = [:]
        var queue: [String] = []
        var threads = 0
        var idle = 0
        var version = 0
    }

    private let state = Mutex(State())
    private let timeToLive: Duration
    private let lookup: Lookup
    private let wakeUp: Semaphore
    /// A name server that never answers holds a thread for as long as the system's time-out.
    private static let threadLimit = 16

    init(timeToLive: Duration = .seconds(60), lookup: @escaping Lookup = Resolver.askSystem) {
        self.timeToLive = timeToLive
        self.lookup = lookup
        wakeUp = Semaphore()
    }

    /// The addresses, if they are known and not too old.
    func known(_ host: String) -> Answer? {
        state.withLock { state in
            guard let entry = state.entries[host], entry.expires > .now else { return nil }
            return entry.answer
        }
    }

    /// Waits for the addresses of a name.
    ///
    /// - Parameter limit: When to give up. Cancelling the task gives up at once; neither waits for a thread.
    func resolve(_ host: String, on loop: EventLoop, until limit: Instant, url: String) async throws(SessionError) -> Answer {
        let waiter = Waiter()
        let timer = LoopTimer { waiter.resume(.late) }
        loop.schedule(timer, at: limit)
        let end = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                waiter.wait(continuation)
                ask(host, waiter)
            }
        } onCancel: {
            waiter.resume(.cancelled)
        }
        loop.cancel(timer)
        switch end {
        case .answer(let answer): return answer
        case .failed(let message):
            throw SessionError(
                code: .resolve, message: "\(host) has no address (\(message)): check the name in \(url)", url: url)
        case .late:
            throw SessionError(
                code: .resolve, message: "the name server did not answer for \(host) in time: check the network", url: url)
        case .cancelled: throw CurlTransfer.cancelled(url)
        }
    }

    private func ask(_ host: String, _ waiter: Waiter) {
        let spawn = state.withLock { state -> Bool in
            if state.waiters[host] != nil {
                state.waiters[host]!.append(waiter)
                return false
            }
            state.waiters[host] = [waiter]
            state.queue.append(host)
            if state.idle > 0 || state.threads >= Self.threadLimit { return false }
            state.threads += 1
            return true
        }
        if spawn { startThread() }
        wakeUp.signal()
    }

    private func startThread() {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 * 1024)
        var thread = pthread_t()
        _ = pthread_create(
            &thread, &attributes,
            { argument in
                Unmanaged<Resolver>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_attr_destroy(&attributes)
    }

    /// A thread's life: one name after the other, for ever.
    private func work() {
        while true {
            state.withLock { $0.idle += 1 }
            wakeUp.wait()
            let host = state.withLock { state -> String? in
                state.idle -= 1
                return state.queue.isEmpty ? nil : state.queue.removeFirst()
            }
            guard let host else { continue }
            let result = lookup(host)
            let (waiters, end) = state.withLock { state -> ([Waiter], Waiter.End) in
                let waiters = state.waiters.removeValue(forKey: host) ?? []
                switch result {
                case .success(let addresses):
                    state.version += 1
                    let answer = Answer(addresses: addresses, version: state.version)
                    state.entries[host] = Entry(answer: answer, expires: .now.advanced(by: timeToLive))
                    return (waiters, .answer(answer))
                case .failure(let failure): return (waiters, .failed(failure.message))
                }
            }
            for waiter in waiters { waiter.resume(end) }
        }
    }

    /// Asks the system's name service; IPv4 and IPv6 addresses in its order.
    static func askSystem(_ host: String) -> Result<[String], Failure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        var code = getaddrinfo(host, nil, &hints, &list)
        if code != 0 {
            // A machine with nothing but loopback has no "configured" family.
            hints.ai_flags = 0
            code = getaddrinfo(host, nil, &hints, &list)
        }
        guard code == 0 else { return .failure(Failure(message: String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let info = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                info.pointee.ai_addr, info.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !addresses.contains(address) { addresses.append(address) }
            }
            next = info.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(Failure(message: "no address")) : .success(addresses)
    }

    /// Somebody who waits for an answer: whatever comes first ends the wait.
    private final class Waiter: Sendable {
        enum End: Sendable {
            case answer(Answer)
            case failed(String)
            case late
            case cancelled
        }

        private let state = Mutex<(end: End?, continuation: UnsafeContinuation<End, Never>?)>((nil, nil))

        func wait(_ continuation: UnsafeContinuation<End, Never>) {
            let end = state.withLock { state in
                if state.end == nil { state.continuation = continuation }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }

        func resume(_ end: End) {
            let continuation = state.withLock { state in
                if state.end == nil { state.end = end }
                defer { state.continuation = nil }
                return state.continuation
            }
            continuation?.resume(returning: end)
        }
    }
}

/// A counting semaphore of the C library.
private final class Semaphore: @unchecked Sendable {
    // @unchecked: a semaphore is made to be used from any thread; the pointer is a constant.
    private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(pointer, 0, 0) }
    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }
    func signal() { sem_post(pointer) }
    func wait() { while sem_wait(pointer) != 0 {} }
}
