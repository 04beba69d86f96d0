import HTTPTypes
import LoadsCore
import LoadsEventLoop

extension Session {
    /// Performs the exchanges of a call: one, and one more for each redirect.
    func follow(
        _ call: Call, _ target: Target, _ context: IterationContext?, _ engine: any Engine, _ tally: inout Tally
    ) async throws(SessionError) -> FinalExchange {
        let timeout = call.timeout ?? context?.user.plan.timeout ?? settings.configuration.timeout
        let deadline = tally.start.advanced(by: timeout)
        let follows = call.followsRedirects ?? settings.configuration.followsRedirects
        var step = Step(method: call.method, url: target.url, text: target.text)
        if !call.query.isEmpty {
            step.url.append(call.query)
            step.text = step.url.text
        }
        if case .invalid(let reason, let cause) = call.body {
            throw SessionError(
                code: .body, message: "\(call.method.rawValue) \(step.text): \(reason)", url: step.text, cause: cause)
        }
        var history: [Response] = []
        while true {
            var exchange = makeExchange(call, target, step, deadline)
            if settings.hasHooks { try await runHooks(on: &exchange, &step) }
            let start = Instant.now
            // The time until here was spent on the way to the loop; that of redirects is the exchanges' own.
            if tally.requests == 0 { tally.phases.blocked = start.nanoseconds(since: tally.start) }
            if start >= deadline {
                throw SessionError(
                    code: .timeout, message: "\(step.text): no complete response within \(timeout)", url: step.text)
            }
            tally.requests += 1
            let result: ExchangeResult
            do throws(SessionError) { result = try await engine.perform(exchange) } catch {
                tally.add(error.cost)
                if Observation.isActive { report(exchange, step, context, .failure(error)) }
                throw error
            }
            tally.add(result)
            if Observation.isActive {
                let phases = result.phases
                let seen = Response(
                    storage: Response.Storage(
                        status: result.status, version: result.version, head: HTTPHead(bytes: result.head),
                        body: result.body, url: step.text, parsedURL: step.url, method: step.method, history: [],
                        elapsed: tally.end.nanoseconds(since: start), phases: phases))
                report(exchange, step, context, .success(seen))
            }

            let head = HTTPHead(bytes: result.head)
            let essentials = head.essentials()
            if essentials.hasSetCookie { store(head.values(of: "set-cookie"), from: step.url) }
            guard follows, Step.isRedirect(result.status), let location = essentials.location else {
                return FinalExchange(
                    result: result, head: head, contentEncoding: essentials.contentEncoding, url: step.url,
                    text: step.text, method: step.method, history: history)
            }
            let redirect = Response(
                storage: Response.Storage(
                    status: result.status, version: result.version, head: head, body: result.body, url: step.text,
                    parsedURL: step.url, method: step.method, history: [],
                    elapsed: tally.end.nanoseconds(since: start), phases: result.phases))
            history.append(redirect)
            if settings.hasHooks { try await runHooks(on: redirect) }
            if history.count > settings.configuration.maxRedirects {
                throw SessionError(
                    code: .tooManyRedirects,
                    message: "\(target.text) redirected \(history.count) times, at last to \(head.text(location)): "
                        + "raise maxRedirects, or look at the loop",
                    url: step.text)
            }
            try await finish(result.stream)
            try step.redirect(to: head.text(location), status: result.status, body: call.body)
        }
    }

    /// Reads the rest of a redirect's body, if it is small: that keeps the connection. Dropping it closes it.
    private func finish(_ stream: (any ExchangeStream)?) async throws(SessionError) {
        guard let stream else { return }
        var left = 64 << 10
        while left > 0, let chunk = try await stream.next() { left -= chunk.count }
    }

    private func makeExchange(_ call: Call, _ target: Target, _ step: Step, _ deadline: Instant) -> Exchange {
        var connection = settings.connection
        let auth = call.auth ?? settings.configuration.auth
        if case .digest(let user, let password) = auth, step.keepsCredentials {
            connection.digestUser = user
            connection.digestPassword = password
        }
        let receive: ReceiveMode =
            switch call.receive {
            case .whole: .whole(limit: settings.configuration.maxBodySize)
            case .discard: .discard
            case .stream: .stream
            }
        var body = ExchangeBody.none
        if !step.dropsBody {
            switch call.body {
            case .bytes(let bytes, _): body = .bytes(bytes)
            case .stream(let stream): body = .stream(length: stream.length, next: stream.next)
            case .none, .invalid: break
            }
        }
        return Exchange(
            method: step.method, url: step.text, headers: headers(call, target, step), body: body,
            connection: connection, deadline: deadline, receive: receive)
    }

    /// All fields of an exchange: the session's, replaced by the call's, and what the session adds.
    private func headers(_ call: Call, _ target: Target, _ step: Step) -> [SessionSettings.Header] {
        let cookies = cookieHeader(for: step.url)
        let contentType = step.dropsBody ? nil : call.body.contentType
        let sessionAuth = settings.configuration.auth
        // The ordinary call adds nothing, and shares the session's array.
        if call.headers == nil, cookies == nil, contentType == nil, call.auth == nil, target.authorization == nil,
            sessionAuth == .anonymous, step.keepsCredentials
        {
            return settings.headers
        }

        var headers: [SessionSettings.Header] = []
        let own = call.headers ?? [:]
        for (index, header) in settings.headers.enumerated() {
            let name = settings.canonicalNames[index]
            if let field = HTTPField.Name(name), own.contains(field) { continue }
            if !step.keeps(name) { continue }
            headers.append(header)
        }
        for field in own where step.keeps(field.name.canonicalName) {
            headers.append((field.name.rawName, field.value))
        }
        func has(_ name: String) -> Bool { headers.contains { $0.name.lowercased() == name } }
        if let contentType, !has("content-type") { headers.append(("Content-Type", contentType)) }
        if let cookies {
            // The caller's own cookies and the jar's go in one field, as RFC 6265 wants it.
            if let index = headers.firstIndex(where: { $0.name.lowercased() == "cookie" }) {
                headers[index].value += "; " + cookies
            } else {
                headers.append(("Cookie", cookies))
            }
        }
        guard step.keepsCredentials else { return headers }
        // What is nearest to the call wins: its auth, its field, the URL's user, the session's auth, its field.
        let authorization: String?
        if let auth = call.auth {
            headers.removeAll { $0.name.lowercased() == "authorization" }
            authorization = auth.header
        } else if own.contains(.authorization) {
            authorization = nil
        } else {
            authorization = target.authorization ?? sessionAuth.header
            if authorization != nil { headers.removeAll { $0.name.lowercased() == "authorization" } }
        }
        if let authorization { headers.append(("Authorization", authorization)) }
        return headers
    }

    private func report(
        _ exchange: Exchange, _ step: Step, _ context: IterationContext?, _ result: Result<Response, SessionError>
    ) {
        Observation.report(
            ObservedExchange(
                user: context?.user.number, iteration: context?.number, method: exchange.method, url: exchange.url,
                headers: exchange.fields, body: exchange.bytes, result: result))
    }

    /// Shows the exchange to the hooks and takes what they made of it.
    private func runHooks(on exchange: inout Exchange, _ step: inout Step) async throws(SessionError) {
        if settings.configuration.onRequest.isEmpty { return }
        var request = Request(
            method: exchange.method, url: exchange.url, headers: exchange.fields, body: exchange.bytes)
        do {
            for hook in settings.configuration.onRequest { try await hook(&request) }
        } catch {
            throw SessionError.hook(error, url: exchange.url)
        }
        if request.url != exchange.url {
            let url: WebURL
            do { url = try WebURL(absolute: request.url) } catch {
                throw SessionError(
                    code: .badURL, message: "a hook made \"\(request.url)\" of the URL: \(error.reason)",
                    url: request.url)
            }
            guard url.hasSameOrigin(as: step.url) else {
                throw SessionError(
                    code: .badURL, message: "a hook sent \(exchange.url) to another host, \(url.origin)",
                    url: request.url)
            }
            step.url = url
            step.text = url.text
        }
        step.method = request.method
        exchange.method = request.method
        exchange.url = step.text
        exchange.headers = request.headers.map { ($0.name.rawName, $0.value) }
        if case .stream = exchange.body, request.body == nil { return }
        exchange.body = request.body.map { .bytes($0) } ?? .none
    }
}

extension Exchange {
    fileprivate var fields: HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }

    fileprivate var bytes: [UInt8]? {
        if case .bytes(let bytes) = body { return bytes }
        return nil
    }
}
