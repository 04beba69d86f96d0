internal import CCurl

/// What libcurl's error codes mean to somebody who runs a test.
enum CurlFailure {
    /// What was known when it happened.
    struct Circumstances {
        /// No connection had been made yet.
        var connecting: Bool
        var hasProxy: Bool
        /// The proxy's answer to CONNECT; 0 without one.
        var proxyStatus: Int
        /// The system's error of the last attempt to connect; 0 without one.
        var systemError: Int32 = 0
    }

    /// The kind of error, and what to do about it.
    ///
    /// - Parameter detail: libcurl's own words.
    static func explain(
        _ code: CURLcode, _ detail: String, _ circumstances: Circumstances
    ) -> (SessionError.Code, String) {
        if circumstances.proxyStatus >= 300 { return (.proxy, "check the proxy and its credentials") }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return (.resolve, "check the name")
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: return (.proxy, "check the proxy")
        case CURLE_COULDNT_CONNECT where PlainFailure.isOwn(circumstances.systemError):
            return (.descriptors, "no descriptors or ports are left: run fewer users, or raise `ulimit -n`")
        case CURLE_COULDNT_CONNECT where circumstances.hasProxy:
            return (.proxy, "is the proxy running, and is its port right?")
        case CURLE_COULDNT_CONNECT: return (.connect, "is the server running, and is the port right?")
        case CURLE_OPERATION_TIMEDOUT where circumstances.connecting:
            return (.connect, "the connection was not made in time; raise the connect time-out if that is normal")
        case CURLE_OPERATION_TIMEDOUT:
            return (.timeout, "the response was not complete in time; raise the time-out if it may take longer")
        // libcurl has no code of its own for a body whose chunks are malformed.
        case CURLE_RECV_ERROR where detail.hasSuffix("chunked-encoding"): return (.protocol, improper)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND,
            CURLE_HTTP2_STREAM:
            return (.reset, "the server closed the connection before the response was complete; see the server's log")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_USE_SSL_FAILED, CURLE_SSL_CLIENTCERT, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return (.tls, certificates)
        case CURLE_URL_MALFORMAT: return (.badURL, "check the URL")
        case CURLE_READ_ERROR, CURLE_ABORTED_BY_CALLBACK: return (.body, "the request's body could not be sent")
        case CURLE_OUT_OF_MEMORY: return (.body, "out of memory: run fewer users")
        default: return (.protocol, improper)
        }
    }

    private static let certificates =
        "check the certificates, give the server's CA (`--ca FILE` for a URL, a session's `tls.caFile`), or switch "
        + "verification off (`--insecure`, `tls.verifies`)"
    private static let improper = "the server's answer is not proper HTTP; is this port really an HTTP server's?"

    /// Why a name's addresses are not there.
    static func unresolved(
        _ host: String, _ role: CurlRoute.Role, _ trouble: Resolver.Trouble, _ url: String
    ) -> SessionError {
        let code: SessionError.Code = role == .proxy ? .proxy : .resolve
        let subject = role == .proxy ? "the proxy's name \(host)" : "the name \(host)"
        switch trouble {
        case .failed(let message):
            return SessionError(
                code: code, message: "\(url): \(subject) has no address (\(message)): check it", url: url)
        case .late:
            return SessionError(
                code: code, message: "\(url): no name server answered for \(subject) in time: check the network",
                url: url)
        case .cancelled: return .cancelled(url)
        }
    }
}
