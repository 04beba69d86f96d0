internal import Glibc

/// The system's name service.
enum SystemNames {
    /// Asks for a name; IPv4 and IPv6 addresses in the system's order. Blocks, for up to half a minute.
    static func addresses(of host: String) -> Result<[String], Resolver.Failure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        var code = getaddrinfo(host, nil, &hints, &list)
        if code != 0 && code != EAI_AGAIN {
            // A machine with nothing but loopback has no "configured" family.
            hints.ai_flags = 0
            code = getaddrinfo(host, nil, &hints, &list)
        }
        guard code == 0 else { return .failure(Resolver.Failure(message: String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let info = next?.pointee {
            if let address = numeric(info), !addresses.contains(address) { addresses.append(address) }
            next = info.ai_next
        }
        return addresses.isEmpty ? .failure(Resolver.Failure(message: "no address")) : .success(addresses)
    }

    private static func numeric(_ info: addrinfo) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
            let code = getnameinfo(
                info.ai_addr, info.ai_addrlen, text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            return code == 0 ? String(cString: text.baseAddress!) : nil
        }
    }
}
