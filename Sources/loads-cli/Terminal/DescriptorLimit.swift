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

    /// How many users a limit suffices for.
    static func users(isPlain: Bool, limit: Int) -> Int {
        max(0, (limit - base) / (isPlain ? perPlainUser : perUser))
    }

    /// What to say of so many users under a limit; nil when it suffices.
    ///
    /// - Parameters:
    ///   - option: What says how many they are.
    ///   - isPlain: Whether they call `http://` URLs.
    static func problem(users: Int, option: String = "-c", isPlain: Bool, limit: Int) -> String? {
        let perUser = isPlain ? perPlainUser : perUser
        let needed = users * perUser + base
        guard needed > limit else { return nil }
        return
            "\(option) \(users): with a connection each they need about \(needed) file descriptors, and the limit is "
            + "\(limit), enough for \(Self.users(isPlain: isPlain, limit: limit)) users: raise it (`ulimit -Hn`, or "
            + "/etc/security/limits.conf)"
    }
}
