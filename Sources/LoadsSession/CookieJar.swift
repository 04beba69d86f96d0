import Glibc

/// The cookies of one session (RFC 6265). A value: reading it off a session copies it.
///
/// ```swift
/// session.cookies["theme"] = "dark"
/// #expect(session.cookies["session-id"] != nil)
/// ```
public struct CookieJar: Sendable, Equatable, Sequence {
    /// What the jar keeps at most; the oldest go first.
    static let capacity = 1000

    private var cookies: [Cookie] = []

    /// A jar without cookies.
    public init() {}

    /// Whether there is no cookie in it, expired ones included.
    public var isEmpty: Bool { cookies.isEmpty }
    /// Cookies in it, expired ones included; at most 1,000.
    public var count: Int { cookies.count }
    public func makeIterator() -> IndexingIterator<[Cookie]> { cookies.makeIterator() }

    /// The value of a cookie by its name, whatever its host; the newest if there are several. Setting one makes a
    /// cookie that goes to every host the session calls, nil removes all of that name.
    public subscript(name: String) -> String? {
        get { cookies.last { $0.name == name }?.value }
        set {
            cookies.removeAll { $0.name == name }
            if let newValue { set(Cookie(name: name, value: newValue)) }
        }
    }

    /// Keeps a cookie, in place of the one with the same name, domain and path.
    public mutating func set(_ cookie: Cookie) {
        if let index = cookies.firstIndex(where: { $0.hasSameKey(as: cookie) }) {
            // Its place stays: cookies are sent in the order of their creation.
            cookies[index] = cookie
        } else {
            if cookies.count >= Self.capacity { cookies.removeFirst() }
            cookies.append(cookie)
        }
    }

    /// Forgets the cookies for which the closure returns true.
    public mutating func removeAll(where remove: (Cookie) -> Bool = { _ in true }) { cookies.removeAll(where: remove) }

    /// Keeps what a response set; a cookie that has expired is the way to delete one.
    mutating func store(_ setCookies: [String], from url: WebURL, now: Duration) {
        for line in setCookies {
            guard let cookie = Cookie(setCookie: line, from: url, now: now) else { continue }
            if cookie.isExpired(now) {
                cookies.removeAll { $0.hasSameKey(as: cookie) }
            } else {
                set(cookie)
            }
        }
    }

    /// The value of the `Cookie` field for a request; nil when none goes with it. Longer paths first, then older ones.
    func header(for url: WebURL, now: Duration) -> String? {
        let chosen = cookies.enumerated().filter { !$0.element.isExpired(now) && $0.element.matches(url) }
        if chosen.isEmpty { return nil }
        let ordered = chosen.sorted { left, right in
            let (leftLength, rightLength) = (left.element.path.utf8.count, right.element.path.utf8.count)
            return leftLength == rightLength ? left.offset < right.offset : leftLength > rightLength
        }
        return ordered.map { "\($0.element.name)=\($0.element.value)" }.joined(separator: "; ")
    }
}

extension Cookie {
    fileprivate func hasSameKey(as other: Cookie) -> Bool {
        name == other.name && domain == other.domain && path == other.path
    }
}

extension Duration {
    /// The wall clock, as time since 1970-01-01 UTC. Only cookies live by it.
    static var sinceEpoch: Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
