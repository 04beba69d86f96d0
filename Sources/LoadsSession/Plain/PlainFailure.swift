internal import Glibc

/// What went wrong on a plain connection, for somebody who runs a test.
enum PlainFailure {
    static let closedBeforeResponse = "the server closed the connection without an answer"
    static let closedWithinResponse = "the server closed the connection in the middle of its answer"

    static func sending(_ code: Int32) -> String { "sending failed: \(words(code))" }
    static func receiving(_ code: Int32) -> String { "receiving failed: \(words(code))" }

    /// The connection ended before the response was complete.
    static func reset(_ detail: String, _ url: String) -> SessionError {
        SessionError(
            code: .reset,
            message: "\(url): \(detail) (the response is not complete; see the server's log)", url: url)
    }

    static func improper(_ problem: ResponseParser.Problem, _ url: String) -> SessionError {
        SessionError(
            code: .protocol,
            message: "\(url): the server's answer is not proper HTTP: \(problem.reason) (is this port really an HTTP "
                + "server's?)",
            url: url)
    }

    /// No connection could be made.
    static func connecting(_ code: Int32, _ place: PlainPlace, _ url: String) -> SessionError {
        let advice =
            switch code {
            case EMFILE, ENFILE: "no descriptors are left: run fewer users, or raise `ulimit -n`"
            case EADDRNOTAVAIL: "no local ports are left: keep connections, or run fewer users"
            case ETIMEDOUT: "the connection was not made in time; raise the connect time-out if that is normal"
            default: "is the server running, and is the port right?"
            }
        return SessionError(
            code: isOwn(code) ? .descriptors : .connect,
            message: "\(url): could not connect to \(CurlRoute.bracketed(place.host)):\(place.port): \(words(code)) "
                + "(\(advice))",
            url: url)
    }

    /// Whether the machine that connects is short of something, and not the server.
    static func isOwn(_ code: Int32) -> Bool { [EMFILE, ENFILE, EADDRNOTAVAIL].contains(code) }

    static func late(_ milliseconds: Int64, received: Int, _ url: String) -> SessionError {
        SessionError(
            code: .timeout,
            message: "\(url): no complete response after \(milliseconds) ms, \(received) bytes received (raise the "
                + "time-out if it may take longer)",
            url: url)
    }

    private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}
