internal import CCurl

/// What libcurl's error codes mean to somebody who runs a test.
enum CurlFailure {
    /// The kind of error, and what to do about it.
    static func explain(_ code: CURLcode, connecting: Bool) -> (SessionError.Code, String) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: (.resolve, "check the name")
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: (.proxy, "check the proxy")
        case CURLE_COULDNT_CONNECT: (.connect, "is the server running, and is the port right?")
        case CURLE_OPERATION_TIMEDOUT where connecting: (.connect, "the connection was not made in time")
        case CURLE_OPERATION_TIMEDOUT: (.timeout, "the response was not complete in time; raise the time-out if it may take longer")
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            (.reset, "the server closed the connection before the response was complete")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_USE_SSL_FAILED, CURLE_SSL_CLIENTCERT:
            (.tls, "check the certificates")
        case CURLE_URL_MALFORMAT: (.badURL, "check the URL")
        case CURLE_READ_ERROR, CURLE_ABORTED_BY_CALLBACK, CURLE_SEND_FAIL_REWIND: (.body, "the request's body could not be sent")
        case CURLE_OUT_OF_MEMORY: (.body, "out of memory")
        default: (.protocol, "the server's answer is not proper HTTP")
        }
    }
}
