import HTTPTypes
import LoadsCore
import LoadsSession
import LoadsWire

/// What each user of a URL target does: one request an iteration, the response's body counted and forgotten.
///
/// An iteration is ok when its hit is: then the summary's iterations tell the same story as its hits.
struct URLScenario {
    private let label: String
    private let method: HTTPRequest.Method
    private let url: String
    private let headers: HTTPFields?
    private let body: [UInt8]?
    private let name: String?
    private let wantsBodies: Bool
    private let model: Session

    /// - Parameters:
    ///   - place: Which of several it is; nil is the only one.
    ///   - name: What it is called among them.
    ///   - session: What the users' sessions are like.
    /// - Returns: Nil when the order has no such URL.
    init?(_ order: RunnerOrder, at place: Int? = nil, name label: String? = nil, like session: Session) {
        let suffix = place.map { ".\($0)" } ?? ""
        func option(_ name: String) -> String? { order.options[name + suffix]?.first }
        guard let url = option("url"), let method = HTTPRequest.Method(option("method") ?? "GET") else { return nil }
        self.url = url
        self.label = label ?? URLRunner.shown(url)
        model = session
        self.method = method
        var fields = HTTPFields()
        for header in order.options["header" + suffix] ?? [] {
            let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])) else { return nil }
            fields.append(HTTPField(name: name, value: Self.trimmed(parts[1])))
        }
        headers = fields.isEmpty ? nil : fields
        body = option("body").map { Array($0.utf8) }
        name = option("name")
        wantsBodies = order.options["debug"] != nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isSpace)
        return String(start[..<(start.lastIndex { !isSpace($0) }.map(start.index(after:)) ?? start.startIndex)])
    }

    var scenario: Scenario {
        Scenario(name: label) { [self] _ in
            // A session of its own, as in a test: users share no cookies.
            let session = Session(like: model)
            do {
                let response = try await session.request(
                    method, url, headers: headers, body: body, name: name, discardBody: !wantsBodies)
                return response.status.code < 400 ? .ok : .failed
            } catch {
                return .failed
            }
        }
    }
}
