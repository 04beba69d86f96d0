/// How a session or a call proves who it is.
public enum Auth: Sendable, Equatable {
    /// Nothing, even when the session has something.
    case anonymous
    /// HTTP Basic: the user's name and password, in UTF-8.
    case basic(_ user: String, _ password: String)
    /// A bearer token.
    case bearer(_ token: String)
    /// HTTP Digest. The first request of a connection takes two exchanges: both are counted.
    case digest(_ user: String, _ password: String)

    /// The `Authorization` field that is known beforehand; nil for digest, which answers a challenge.
    var header: String? {
        switch self {
        case .anonymous, .digest: nil
        case .basic(let user, let password): "Basic " + base64("\(user):\(password)".utf8)
        case .bearer(let token): "Bearer " + token
        }
    }
}
