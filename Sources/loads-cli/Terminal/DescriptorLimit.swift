import Glibc

/// How many files and sockets this process and the runner that it starts may have open.
enum DescriptorLimit {
    /// Of a user with a connection through libcurl: the socket, and a pair of sockets to wake itself.
    static let perUser = 3
    /// Of a user with a plain connection, to an `http://` URL.
    static let perPlainUser = 1
    /// Of a runner without users: loops, pipes, files, name resolution.
    static let base = 100

    /// Raises the limit as far as it goes; the runner inherits it.
    ///
    /// - Returns: The limit now.
    static func raise() -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Whether users who call a URL have plain connections. `localhost` has addresses of both protocols, and which one
    /// is the server's libcurl finds out. Of other names nobody knows before they are looked up.
    static func isPlain(_ url: String) -> Bool {
        guard url.lowercased().hasPrefix("http://") else { return false }
        let authority = url.lowercased().dropFirst("http://".count).prefix { !"/?#".contains($0) }
        let address = authority.split(separator: "@").last ?? ""
        let host = address.prefix { $0 != ":" }
        return host != "localhost" && !host.hasSuffix(".localhost")
    }

    /// Descriptors of a user with a connection to each of so many servers.
    private static func perUser(isPlain: Bool, servers: Int) -> Int {
        (isPlain ? perPlainUser : perUser) + servers - 1
    }

    /// How many users a limit suffices for.
    ///
    /// - Parameter servers: That each of them has a connection to.
    static func users(isPlain: Bool, servers: Int = 1, limit: Int) -> Int {
        max(0, (limit - base) / perUser(isPlain: isPlain, servers: servers))
    }

    /// What to say of so many users under a limit; nil when it suffices.
    ///
    /// - Parameters:
    ///   - option: What says how many they are.
    ///   - isPlain: Whether they call `http://` URLs.
    ///   - servers: That each of them has a connection to.
    static func problem(
        users: Int, option: String = "-c", isPlain: Bool, servers: Int = 1, limit: Int
    ) -> String? {
        let needed = users * perUser(isPlain: isPlain, servers: servers) + base
        guard needed > limit else { return nil }
        let connections = servers == 1 ? "a connection each" : "a connection to each of \(servers) servers"
        let room = Self.users(isPlain: isPlain, servers: servers, limit: limit)
        return
            "\(option) \(users): with \(connections) they need about \(needed) file descriptors, and the limit is "
            + "\(limit), enough for \(room) users: raise it (`ulimit -Hn`, or "
            + "/etc/security/limits.conf)"
    }
}
