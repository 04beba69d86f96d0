import HTTPTypes
import LoadsCore
import LoadsEventLoop

extension Session {
    /// Performs a call on the loop of its user, wherever it was made, and records its hit.
    func perform(_ call: Call) async throws(SessionError) -> Response { try await performOnLoop(call).response }

    /// Performs a call up to the headers of its response; the rest of the response records the hit.
    func performStream(_ call: Call) async throws(SessionError) -> StreamedResponse {
        let (response, body) = try await performOnLoop(call)
        // A call that streams has a body to read.
        return StreamedResponse(response: response, body: body!)
    }

    private func performOnLoop(_ call: Call) async throws(SessionError) -> (response: Response, body: ResponseBody?) {
        let start = Instant.now
        let context = IterationContext.current ?? origin
        let loop = context?.user.loop ?? SharedLoop.loop
        if loop.isOnLoop { return try await perform(call, context, start) }
        // Everything of the call happens on its loop, the caller's task only waits.
        let executor: any TaskExecutor = context?.user.executor ?? loop
        return try await withTaskExecutorPreference(executor) {
            () async throws(SessionError) -> (response: Response, body: ResponseBody?) in
            try await perform(call, context, start)
        }
    }

    /// Performs a call, on its loop.
    ///
    /// - Returns: The response; of a call that streams up to its headers, with the body that is still to come.
    private func perform(
        _ call: Call, _ context: IterationContext?, _ start: Instant
    ) async throws(SessionError) -> (response: Response, body: ResponseBody?) {
        var tally = Tally(start: start)
        var target: Target?
        do throws(SessionError) {
            let connections = connections(for: context?.user)
            let found = try resolve(call, context, connections)
            target = found
            let final = try await follow(call, found, context, connections.engine, &tally)
            let response = call.receive == .stream ? response(final, body: [], tally) : try complete(final, tally)
            if settings.hasHooks { try await runHooks(on: response) }
            let hitLabel = context.map { label(call, found, $0) }
            let failed = call.fails(final.result.status)
            guard call.receive == .stream else {
                hitLabel?.record(tally, status: final.result.status, failed: failed)
                return (response, nil)
            }
            let source = ResponseBody.Source(
                session: self, stream: final.result.stream, decoder: decoder(final), label: hitLabel, tally: tally,
                current: final.result, failed: failed, url: final.text,
                limit: settings.configuration.maxBodySize)
            return (response, ResponseBody(source: source))
        } catch {
            if let context {
                tally.end = .now
                label(call, target, context).record(tally, status: nil, failed: true, error: error)
            }
            throw error
        }
    }

    private func resolve(
        _ call: Call, _ context: IterationContext?, _ connections: UserConnections
    ) throws(SessionError) -> Target {
        let server = if let context { context.user.plan.serverURL } else { RunServer.current }
        let target = try connections.target(call.url, method: call.method, baseURL: baseURL, serverURL: server)
        if connections.hasEnded {
            throw SessionError(
                code: .cancelled, message: "\(call.method.rawValue) \(target.text): the load run has ended",
                url: target.text)
        }
        return target
    }

    private func label(_ call: Call, _ target: Target?, _ context: IterationContext) -> HitLabel {
        HitLabel(
            context: context, name: call.name ?? target?.name ?? "\(call.method.rawValue) \(ShownURL.text(call.url))",
            method: call.method.rawValue, url: target.map { url(of: call, $0) } ?? ShownURL.text(call.url))
    }

    private func url(of call: Call, _ target: Target) -> String {
        if call.query.isEmpty { return target.text }
        var url = target.url
        url.append(call.query)
        return url.text
    }

    // MARK: The response

    private func complete(_ final: FinalExchange, _ tally: Tally) throws(SessionError) -> Response {
        guard let decoder = decoder(final) else { return response(final, body: final.result.body, tally) }
        do throws(DecodingProblem) {
            let body = try decoder.decodeAll(final.result.body, limit: settings.configuration.maxBodySize)
            return response(final, body: body, tally)
        } catch {
            throw error.sessionError(final.text, limit: settings.configuration.maxBodySize)
        }
    }

    private func decoder(_ final: FinalExchange) -> ContentDecoderChain? {
        guard settings.configuration.decompresses, let range = final.contentEncoding, final.method != .head else {
            return nil
        }
        return ContentDecoderChain(final.head.text(range))
    }

    private func response(_ final: FinalExchange, body: [UInt8], _ tally: Tally) -> Response {
        Response(
            storage: Response.Storage(
                status: final.result.status, version: final.result.version, head: final.head, body: body,
                url: final.text, parsedURL: final.url, method: final.method, history: final.history,
                elapsed: tally.latency, phases: tally.phases))
    }

    func runHooks(on response: Response) async throws(SessionError) {
        do {
            for hook in settings.configuration.onResponse { try await hook(response) }
        } catch {
            throw SessionError.hook(error, url: response.url)
        }
    }
}

extension DecodingProblem {
    func sessionError(_ url: String, limit: Int) -> SessionError {
        switch self {
        case .tooLarge:
            SessionError(
                code: .bodyTooLarge,
                message: "the body of \(url) decompresses to more than \(limit) bytes: raise maxBodySize", url: url)
        case .broken(let reason):
            SessionError(code: .body, message: "the body of \(url) cannot be decompressed: \(reason)", url: url)
        }
    }
}

extension SessionError {
    /// What a hook threw: a session's own error goes through as it is.
    static func hook(_ error: any Error, url: String) -> SessionError {
        if let error = error as? SessionError { return error }
        if error is CancellationError {
            return SessionError(code: .cancelled, message: "\(url) was cancelled in a hook", url: url, cause: error)
        }
        return SessionError(code: .hook, message: "a hook stopped \(url): \(error)", url: url, cause: error)
    }
}
