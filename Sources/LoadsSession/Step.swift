import HTTPTypes

/// Where a call stands between its redirects: a pure state, whose rules are those of the Fetch standard.
struct Step {
    var method: HTTPRequest.Method
    var url: WebURL
    var text: String
    /// False for good once scheme, host or port have changed: who gets redirected elsewhere must not take secrets along.
    var keepsCredentials = true
    /// True once a redirect made a GET of the call.
    var dropsBody = false

    init(method: HTTPRequest.Method, url: WebURL, text: String) {
        self.method = method
        self.url = url
        self.text = text
    }

    static func isRedirect(_ status: Int) -> Bool {
        // The comparison first: nearly every status is below.
        status >= 301 && (status <= 303 || status == 307 || status == 308)
    }

    /// Whether a field of the call still goes along.
    ///
    /// - Parameter name: In small letters.
    func keeps(_ name: String) -> Bool {
        if !keepsCredentials, name == "authorization" || name == "cookie" || name == "proxy-authorization" {
            return false
        }
        return !(dropsBody && name.hasPrefix("content-"))
    }

    /// Goes on to where a redirect points.
    mutating func redirect(to location: String, status: Int, body: RequestBody) throws(SessionError) {
        let next: WebURL
        do { next = try WebURL(location, relativeTo: url) } catch {
            throw SessionError(
                code: .badURL, message: "\(text) redirects to \"\(location)\": \(error.reason)", url: text)
        }
        let becomesGet =
            status == 303 ? method != .head && method != .get : (status == 301 || status == 302) && method == .post
        if becomesGet {
            method = .get
            dropsBody = true
        }
        if !dropsBody, case .stream = body {
            throw SessionError(
                code: .body,
                message: "\(text) redirects (\(status)) to \(next.text), and its streamed body cannot be sent again: "
                    + "call that URL, or give the body whole",
                url: text)
        }
        // From http to https of the same host is no other place.
        let upgrades = url.host == next.host && !url.isSecure && next.isSecure && url.port == nil && next.port == nil
        if !next.hasSameOrigin(as: url), !upgrades { keepsCredentials = false }
        url = next
        url.user = nil
        url.password = nil
        text = url.text
    }
}
