import LoadsCore
import LoadsEventLoop
import Synchronization

/// An HTTP session: calls with common defaults and common cookies.
///
/// ```swift
/// let session = Session()
/// let response = try await session.get("/")
/// #expect(response.text.contains("Tarek"))
/// ```
///
/// In a load run every call is measured as one hit, and the connections are the user's: a session made afresh in each
/// iteration starts with clean cookies on warm connections. Outside a load run a session has connections of its own
/// and measures nothing. A session may be used from any task and thread; it costs next to nothing to make.
///
/// A relative URL is resolved (RFC 3986, so `/x` replaces the base's path and `x` follows its last `/`) against, in
/// this order: the load run's `--server-url`, the session's `baseURL`, the environment's `LOADS_SERVER_URL`.
public final class Session: Sendable {
    /// What relative URLs are resolved against, unless the load run has a server of its own.
    public let baseURL: String?
    let settings: SessionSettings
    /// Where it was made: a detached task has lost the task-local.
    let origin: IterationContext?

    // Read before the lock: a session without cookies, which is the ordinary one, never takes it. Acquiring and
    // releasing, so that whoever sees the flag sees the cookies.
    private let hasCookies: Atomic<Bool>
    private let jar: Mutex<CookieJar>
    private let own = Mutex<UserConnections?>(nil)

    /// Makes a session with the defaults.
    ///
    /// - Parameter baseURL: What relative URLs are resolved against, `https://example.org` or with a path. Checked at
    ///   the first call.
    public convenience init(baseURL: String? = nil) {
        self.init(baseURL: baseURL, settings: .standard)
    }

    /// Makes a session with a configuration.
    public convenience init(baseURL: String? = nil, configuration: SessionConfiguration) {
        self.init(baseURL: baseURL, settings: SessionSettings(configuration: configuration))
    }

    /// Makes a session and configures it on the spot: `Session { $0.tls.verifies = false }`.
    public convenience init(baseURL: String? = nil, configure: (inout SessionConfiguration) -> Void) {
        var configuration = SessionConfiguration()
        configure(&configuration)
        self.init(baseURL: baseURL, configuration: configuration)
    }

    /// Makes a session with another's configuration, which they share: nothing of it is worked out again.
    package convenience init(like other: Session) {
        self.init(baseURL: other.baseURL, settings: other.settings)
    }

    init(baseURL: String?, settings: SessionSettings) {
        self.baseURL = baseURL
        self.settings = settings
        origin = IterationContext.current
        hasCookies = Atomic(!settings.configuration.cookies.isEmpty)
        jar = Mutex(settings.configuration.cookies)
    }

    deinit {
        guard let connections = own.withLock({ $0 }) else { return }
        SharedLoop.loop.submit { connections.userEnded() }
    }

    /// How the session was configured.
    public var configuration: SessionConfiguration { settings.configuration }

    /// The cookies now. Setting them replaces all.
    public var cookies: CookieJar {
        get { jar.withLock { $0 } }
        set {
            jar.withLock { jar in
                jar = newValue
                hasCookies.store(!newValue.isEmpty, ordering: .releasing)
            }
        }
        _modify {
            // A change in place (`session.cookies["a"] = "b"`) is a read and a write: another task's change in between
            // is lost, as it is with any property.
            var copy = jar.withLock { $0 }
            yield &copy
            let changed = copy
            jar.withLock { jar in
                jar = changed
                hasCookies.store(!changed.isEmpty, ordering: .releasing)
            }
        }
    }

    /// The `Cookie` field for a request.
    func cookieHeader(for url: WebURL) -> String? {
        guard hasCookies.load(ordering: .acquiring) else { return nil }
        return jar.withLock { $0.header(for: url, now: .sinceEpoch) }
    }

    func store(_ setCookies: [String], from url: WebURL) {
        jar.withLock { jar in
            jar.store(setCookies, from: url, now: .sinceEpoch)
            hasCookies.store(!jar.isEmpty, ordering: .releasing)
        }
    }

    /// The connections to use, on their loop.
    func connections(for user: VirtualUser?) -> UserConnections {
        guard let user else {
            return own.withLock { own in
                if let own { return own }
                let made = UserConnections(engine: settings.makeEngine(SharedLoop.loop))
                own = made
                return made
            }
        }
        if let known = user.attachment as? UserConnections { return known }
        let made = UserConnections(engine: settings.makeEngine(user.loop))
        user.attachment = made
        return made
    }
}
