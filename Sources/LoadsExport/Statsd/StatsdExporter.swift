import CLinux
import Glibc
public import LoadsCore
import LoadsReport
import Synchronization

/// Sends a run's figures to a statsd server over UDP, once a second.
///
/// UDP tells little: a server on this machine that is not there is found out, a lost datagram elsewhere is not.
public final class StatsdExporter: Exporter {
    private let prefix: String
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32
        var waiting = Statistics()
        var sentAt = 0.0
        /// The end of the newest interval, and the users at it.
        var newest = 0.0
        var users = 0
        var outcome = ExportOutcome()
        /// Lines that went out last: the answer that nobody listens comes a moment later.
        var unsure = 0
    }

    /// Seconds between two sendings.
    static let interval = 1.0

    /// - Parameters:
    ///   - address: Where the server is. A name is looked up now, which may take some seconds; one that is unknown
    ///     makes everything count as lost.
    ///   - prefix: What all names begin with.
    public init(address: HostPort, prefix: String = "loads") {
        self.prefix = prefix
        var outcome = ExportOutcome()
        let descriptor = Self.connect(address, &outcome.reason)
        state = Mutex(State(descriptor: descriptor, outcome: outcome))
    }

    deinit { close() }

    /// Adds it up, and sends once a second. A backlog is left out.
    public func measured(_ interval: MeasuredInterval) {
        // Counters of long ago would look like those of now.
        guard !interval.isBacklog else { return }
        state.withLock { state in
            state.waiting.merge(interval.statistics)
            // What is late says nothing of those that run now.
            if interval.to >= state.newest { (state.newest, state.users) = (interval.to, interval.statistics.users) }
            state.waiting.users = state.users
            guard interval.to - state.sentAt >= Self.interval else { return }
            state.sentAt = interval.to
            flush(&state)
        }
    }

    /// Sends what is left, and users as 0.
    public func finish(_ summary: Summary) async -> ExportOutcome {
        state.withLock { state in
            state.waiting.users = 0
            flush(&state)
        }
        // The kernel's answer that nobody listens takes a moment.
        try? await Task.sleep(for: .milliseconds(20))
        return state.withLock { state in
            settle(&state, Self.pendingError(state.descriptor))
            Self.close(&state)
            return state.outcome
        }
    }

    /// Closes the socket; what comes later is counted as lost.
    public func close() { state.withLock { Self.close(&$0) } }

    private static func close(_ state: inout State) {
        if state.descriptor >= 0 { Glibc.close(state.descriptor) }
        state.descriptor = -1
    }

    private func flush(_ state: inout State) {
        settle(&state, Self.pendingError(state.descriptor))
        for (text, lines) in StatsdLines.datagrams(StatsdLines.lines(state.waiting, prefix: prefix)) {
            guard state.descriptor >= 0 else {
                state.outcome.lost += lines
                continue
            }
            var error = send(text, state.descriptor)
            if error == ECONNREFUSED {
                settle(&state, error)
                error = send(text, state.descriptor)
            }
            if error == 0 {
                state.unsure += lines
            } else {
                state.outcome.lost += lines
                state.outcome.reason = state.outcome.reason ?? String(cString: strerror(error))
            }
        }
        state.waiting = Statistics()
    }

    /// Counts the lines of which nothing was known yet: lost if there was an error, else arrived as far as can be known.
    private func settle(_ state: inout State, _ error: Int32) {
        if error == 0 {
            state.outcome.delivered += state.unsure
        } else {
            state.outcome.lost += state.unsure
            state.outcome.reason = state.outcome.reason ?? String(cString: strerror(error))
        }
        state.unsure = 0
    }

    /// - Returns: 0, or the error's number.
    private func send(_ text: String, _ descriptor: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) < 0 ? errno : 0
        }
    }

    private static func pendingError(_ descriptor: Int32) -> Int32 {
        guard descriptor >= 0 else { return 0 }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error
    }

    private static func connect(_ address: HostPort, _ reason: inout String?) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(address.host, "\(address.port)", &hints, &found)
        guard status == 0, let found else {
            reason = "\(address.host): \(String(cString: gai_strerror(status)))"
            return -1
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            found.pointee.ai_family, Int32(SOCK_DGRAM.rawValue) | O_NONBLOCK | O_CLOEXEC, 0)
        guard descriptor >= 0,
            Glibc.connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0
        else {
            reason = String(cString: strerror(errno))
            if descriptor >= 0 { Glibc.close(descriptor) }
            return -1
        }
        return descriptor
    }
}
