public import HTTPTypes
import Synchronization

/// One exchange as it went over the wire, for a person who looks for a mistake (`--debug-requests`).
public struct ObservedExchange: Sendable {
    /// The user's number; nil outside a load run.
    public let user: Int?
    /// The iteration's number, from 0 for each user.
    public let iteration: Int?
    /// As it was sent; a redirect may have changed that of the call.
    public let method: HTTPRequest.Method
    /// Absolute.
    public let url: String
    /// What the session sent; `Host` and what else belongs to the connection is the engine's.
    public let headers: HTTPFields
    /// nil when there was none, or when it was streamed.
    public let body: [UInt8]?
    /// What came back, its body as received (compressed if it was); or why nothing complete came.
    public let result: Result<Response, SessionError>
}

extension Session {
    /// Watches the exchanges of all sessions of the process, redirects included.
    ///
    /// - Parameter observer: Called on the users' loops right after each exchange, so it must not block for long; nil
    ///   ends the watch.
    public static func observe(_ observer: (@Sendable (ObservedExchange) -> Void)?) {
        Observation.observer.withLock { $0 = observer }
        Observation.isOn.store(observer != nil, ordering: .releasing)
    }
}

/// The process's observer. The flag is read in every call, the lock is taken only when somebody watches.
enum Observation {
    static let isOn = Atomic<Bool>(false)
    static let observer = Mutex<(@Sendable (ObservedExchange) -> Void)?>(nil)

    static var isActive: Bool { isOn.load(ordering: .acquiring) }

    static func report(_ exchange: @autoclosure () -> ObservedExchange) {
        // Called outside the lock: the observer is user code.
        guard let observer = observer.withLock({ $0 }) else { return }
        observer(exchange())
    }
}
