internal import CCurl
internal import Glibc
internal import LoadsEventLoop
import Synchronization

/// Finds the addresses of names, off the loops, in one cache for the process.
///
/// libcurl's own resolver starts a thread for each name and waits for it when a transfer is cancelled. Here a few
/// threads do the asking, equal questions are asked once, and whoever waits can go at any time.
final class Resolver: Sendable {
    /// The addresses of a name.
    struct Answer: Sendable {
        var addresses: [String]
        /// Whether the addresses take turns. Those of `localhost` do not: they are one host's two protocols.
        var takesTurns = true
        /// When to ask the resolver again.
        var expires: Instant
    }

    /// Why a name has no addresses.
    struct Failure: Error {
        var message: String
    }

    /// How a wait for addresses ended without any.
    enum Trouble: Error {
        case failed(String)
        case late
        case cancelled
    }

    typealias Lookup = @Sendable (String) -> Result<[String], Failure>

    /// The one for the process: the system's name service, answers kept for 60 s.
    static let shared = Resolver()

    /// A question on its way.
    private struct Flight {
        var waiters: [ObjectIdentifier: Waiter] = [:]
        /// Asked to renew an answer that is still in use: nobody waits.
        var renews = false
    }

    private struct State {
        var entries: [String: Answer] = [:]
        var flights: [String: Flight] = [:]
        var queue: [String] = []
        var threads = 0
        var idle = 0
    }

    private let state = Mutex(State())
    /// Counts the connections that were given addresses; relaxed, it only has to go round.
    private let turns = Atomic<Int>(0)
    /// Nanoseconds; relaxed, since answers are right whichever value they are kept by.
    private let timeToLiveNanoseconds: Atomic<Int64>
    private let lookup: Lookup
    private let wakeUp = Semaphore()
    /// A name server that never answers holds a thread for as long as the system's time-out.
    private static let threadLimit = 16

    init(timeToLive: Duration = .seconds(60), lookup: @escaping Lookup = { SystemNames.addresses(of: $0) }) {
        timeToLiveNanoseconds = Atomic(timeToLive.wholeNanoseconds)
        self.lookup = lookup
    }

    /// How long an answer is good. Answers that are there already keep their time.
    var timeToLive: Duration {
        get { .nanoseconds(timeToLiveNanoseconds.load(ordering: .relaxed)) }
        set { timeToLiveNanoseconds.store(max(0, newValue.wholeNanoseconds), ordering: .relaxed) }
    }

    /// Which of a name's addresses comes first for the next connection: over all users, all are used in turn.
    func nextTurn() -> Int { turns.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// The addresses, if they are known. An answer past its time is still given once more its time while it is
    /// renewed behind the scenes: users with warm connections need not wait for a name server.
    func known(_ host: String) -> Answer? {
        if Self.isLocalhost(host) {
            return Answer(addresses: ["::1", "127.0.0.1"], takesTurns: false, expires: .distantFuture)
        }
        let now = Instant.now
        let answer = state.withLock { $0.entries[host] }
        guard let answer else { return nil }
        if answer.expires > now { return answer }
        guard answer.expires.advanced(by: timeToLive) > now else { return nil }
        ask(host, nil)
        return answer
    }

    /// Waits for the addresses of a name. On the loop.
    ///
    /// - Parameter limit: When to give up. Cancelling the task gives up at once; neither waits for a thread.
    func resolve(_ host: String, on loop: EventLoop, until limit: Instant) async throws(Trouble) -> Answer {
        let waiter = Waiter()
        let timer = LoopTimer { waiter.resume(.failure(.late)) }
        loop.schedule(timer, at: limit)
        let end = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                waiter.wait(continuation)
                ask(host, waiter)
            }
        } onCancel: {
            waiter.resume(.failure(.cancelled))
        }
        loop.cancel(timer)
        forget(host, waiter)
        return try end.get()
    }

    /// RFC 6761: `localhost` and what is below it is this machine, whatever a name server says.
    static func isLocalhost(_ host: String) -> Bool {
        guard host.utf8.count >= 9, host.utf8.last.map({ $0 | 0x20 }) == UInt8(ascii: "t") else { return false }
        let lower = host.lowercased()
        return lower == "localhost" || lower.hasSuffix(".localhost")
    }

    private func ask(_ host: String, _ waiter: Waiter?) {
        let (asks, spawns) = state.withLock { state -> (Bool, Bool) in
            let isAsked = state.flights[host] != nil
            if let waiter {
                state.flights[host, default: Flight()].waiters[ObjectIdentifier(waiter)] = waiter
            } else {
                state.flights[host, default: Flight()].renews = true
            }
            if isAsked { return (false, false) }
            state.queue.append(host)
            guard state.queue.count > state.idle, state.threads < Self.threadLimit else { return (true, false) }
            state.threads += 1
            state.idle += 1
            return (true, true)
        }
        if spawns, !startThread() { threadFailed() }
        if asks { wakeUp.signal() }
    }

    /// Takes a waiter that has gone from the question's list: a run of cancelled users must not pile up there.
    private func forget(_ host: String, _ waiter: Waiter) {
        state.withLock { state in
            _ = state.flights[host]?.waiters.removeValue(forKey: ObjectIdentifier(waiter))
        }
    }

    // MARK: Threads

    private func startThread() -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 * 1024)
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                Unmanaged<Resolver>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, me.toOpaque())
        if code != 0 { me.release() }
        return code == 0
    }

    /// Without any thread nobody would ever answer.
    private func threadFailed() {
        let flights = state.withLock { state -> [Flight] in
            state.threads -= 1
            state.idle -= 1
            guard state.threads == 0 else { return [] }
            defer { state.flights = [:] }
            return Array(state.flights.values)
        }
        let end = Result<Answer, Trouble>.failure(.failed("no thread could be started to look it up"))
        for flight in flights { for waiter in flight.waiters.values { waiter.resume(end) } }
    }

    /// A thread's life: one name after the other, for ever.
    private func work() {
        while true {
            wakeUp.wait()
            if let host = nextHost() { answer(host, lookup(host)) }
            state.withLock { $0.idle += 1 }
        }
    }

    /// The next name that somebody still wants.
    private func nextHost() -> String? {
        state.withLock { state in
            state.idle -= 1
            guard !state.queue.isEmpty else { return nil }
            let host = state.queue.removeFirst()
            if let flight = state.flights[host], flight.renews || !flight.waiters.isEmpty { return host }
            state.flights[host] = nil
            return nil
        }
    }

    private func answer(_ host: String, _ result: Result<[String], Failure>) {
        let (waiters, end) = state.withLock { state -> ([ObjectIdentifier: Waiter], Result<Answer, Trouble>) in
            let waiters = state.flights.removeValue(forKey: host)?.waiters ?? [:]
            switch result {
            case .success(let addresses):
                let answer = Answer(addresses: addresses, expires: .now.advanced(by: timeToLive))
                state.entries[host] = answer
                return (waiters, .success(answer))
            case .failure(let failure):
                return (waiters, .failure(.failed(failure.message)))
            }
        }
        for waiter in waiters.values { waiter.resume(end) }
    }

    /// Somebody who waits for an answer: whatever comes first ends the wait.
    private final class Waiter: Sendable {
        typealias End = Result<Answer, Trouble>

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
