import LoadsURLRunner
import LoadsWire

extension CheckedRun {
    /// A request that a run makes of a URL.
    struct URLRequest: Sendable, Equatable {
        var url: String
        var method: String
        /// `Name: value`, as given.
        var headers: [String]
        var body: String?
        /// What its hits are counted under; nil is method and path.
        var name: String?

        /// As the command line has it, without the URL's password: it stands in every report.
        var text: String { method == "GET" ? shownURL : "\(method) \(shownURL)" }

        /// What the runner of this URL alone calls it.
        var shownURL: String { URLRunner.shown(url) }

        /// What it is called among several.
        var label: String { name ?? text }

        /// What shapes a request, beside its URL.
        static let options = ["method", "header", "body", "name"]

        /// Bytes of a body: it travels to the runner as one text.
        private static let bodyLimit = WireLimits.stringBytes

        /// Bytes of a label: it names a scenario on every agent.
        private static let labelLimit = 1000

        /// Complains about a method or headers that are none.
        static func judge(_ settings: Settings, _ read: inout Readings) {
            if let method = settings.value("method"), !WebAddress.isToken(method.text) {
                read.complain("\(method.label) \(method.text): not a method (try POST)")
            }
            if let body = settings.value("body"), body.text.utf8.count > bodyLimit {
                read.complain(
                    "\(body.label): \(body.text.utf8.count) bytes: at most \(bodyLimit); write a test that sends more")
            }
            for header in settings.list("header") {
                if !isHeader(header.text) {
                    read.complain("\(header.label) \(header.text): not a header (try \"Accept: text/html\")")
                } else if framing.contains(headerName(header.text)) {
                    read.complain("\(header.label) \(header.text): Loads sends it itself, by the body")
                }
            }
        }

        /// Headers that say where a request ends: a wrong one makes the server wait.
        private static let framing: Set = ["content-length", "transfer-encoding"]

        /// The name of a header, for comparing.
        static func headerName(_ text: String) -> String { text.prefix { $0 != ":" }.lowercased() }

        private static func isHeader(_ text: String) -> Bool {
            let parts = text.split(separator: ":", maxSplits: 1)
            let clean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f || $0 == "\t" }
            return text.contains(":") && clean && parts.first.map { WebAddress.isToken(String($0)) } ?? false
        }

        /// What is wrong with several of one run; nil when each is told from the others.
        static func problem(of requests: [URLRequest]) -> (index: Int, words: String)? {
            var known: [String: URLRequest] = [:]
            for (index, request) in requests.enumerated() {
                if request.label.utf8.count > labelLimit {
                    return (index, "longer than \(labelLimit) bytes: give it a name in a file (name: search)")
                }
                if let other = known[request.label], other != request {
                    return (
                        index,
                        "another request is called \(request.label), too: give each a name (name: search)"
                    )
                }
                known[request.label] = request
            }
            return nil
        }
    }

    /// Complains about what is for tests alone, where a URL is called.
    static func refuseForURLs(_ url: String, _ settings: Settings, _ read: inout Readings) {
        for name in ["package", "server-url"] {
            guard let given = settings.value(name) else { continue }
            read.complain("\(given.label) \(given.text): is for tests, and \(url) is a URL")
        }
        if settings.flag("threads") {
            read.complain("\(settings.label("threads")): is for tests whose bodies block, and \(url) is a URL")
        }
        if let given = settings.list("env").first {
            read.complain("\(given.label): is for tests and programs, and \(url) is a URL")
        }
    }

    /// Complains about what shapes a request, where something else makes them.
    static func refuseForOthers(_ target: String, _ kind: String, _ settings: Settings, _ read: inout Readings) {
        for name in URLRequest.options + ServerTrust.options {
            guard let given = settings.given(name) else { continue }
            read.complain("\(given.words): is for a URL, and \(target) is \(kind)")
        }
    }
}

extension CheckedRun.URLRequest {
    /// - Parameters:
    ///   - settings: What shapes the request; ``judge(_:_:)`` says whether it can.
    ///   - shared: Headers of all the run's URLs; an own one of the name replaces them.
    init(_ url: String, _ settings: Settings, shared: [Settings.Given] = []) {
        self.url = url
        body = settings.value("body")?.text
        method = settings.value("method")?.text ?? (body == nil ? "GET" : "POST")
        name = settings.value("name")?.text
        let own = settings.list("header").map(\.text)
        let names = Set(own.map(Self.headerName))
        headers = shared.map(\.text).filter { !names.contains(Self.headerName($0)) } + own
    }
}
