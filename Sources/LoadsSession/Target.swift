import Glibc
import HTTPTypes
import LoadsCore

/// What a call's method and URL come to, worked out once: tests call the same few again and again.
final class Target: Sendable {
    let url: WebURL
    let text: String
    /// The default name of the hit: method and path, without the query.
    let name: String
    /// The `Authorization` that the URL's user information makes.
    let authorization: String?

    init(url: WebURL, method: HTTPRequest.Method) {
        authorization = url.user.map { Auth.basic($0, url.password ?? "").header } ?? nil
        var plain = url
        plain.user = nil
        plain.password = nil
        self.url = plain
        text = plain.text
        name = method.rawValue + " " + plain.path
    }

    /// Resolves a call's URL.
    ///
    /// - Parameter serverURL: The run's server, in whose place the session's own base stands otherwise.
    static func resolve(
        _ reference: String, method: HTTPRequest.Method, baseURL: String?, serverURL: String?
    ) throws(SessionError) -> Target {
        do {
            let url = try WebURL(reference, relativeTo: try base(baseURL, serverURL))
            return Target(url: url, method: method)
        } catch {
            let shown = ShownURL.text(reference)
            throw SessionError(code: .badURL, message: "cannot request \"\(shown)\": \(error.reason)", url: shown)
        }
    }

    private static func base(_ baseURL: String?, _ serverURL: String?) throws(WebURL.Problem) -> WebURL {
        if let serverURL {
            let server = try named("the server URL", serverURL)
            guard let baseURL else { return server }
            let base = try WebURL(baseURL, relativeTo: server)
            // A server in a folder of its own keeps it, unless the session's base says where to go.
            return base.path == "/" ? server : base.moved(to: server)
        }
        if let baseURL { return try WebURL(baseURL, relativeTo: try environment()) }
        return try environment()
    }

    private static func environment() throws(WebURL.Problem) -> WebURL {
        guard let text = environmentServer else {
            throw WebURL.Problem(
                reason: "it is relative and there is no server to resolve it against: "
                    + "give Session(baseURL:), --server-url or the environment's LOADS_SERVER_URL")
        }
        return try named("LOADS_SERVER_URL", text)
    }

    private static func named(_ name: String, _ text: String) throws(WebURL.Problem) -> WebURL {
        do { return try WebURL(absolute: text) } catch {
            throw WebURL.Problem(reason: "\(name) \"\(text)\" cannot be used: \(error.reason)")
        }
    }

    private static let environmentServer = getenv("LOADS_SERVER_URL").map { String(cString: $0) }
        .flatMap { $0.isEmpty ? nil : $0 }
}
