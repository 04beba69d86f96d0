public import HTTPTypes
import LoadsCore
import LoadsEventLoop
import Synchronization

/// A response whose body is received as it is asked for: not asking slows the server down.
///
/// ```swift
/// let response = try await session.stream("/events")
/// for try await chunk in response.body { … }
/// ```
///
/// Its hit is recorded when the body has ended. A body that is dropped before aborts its transfer and counts as an
/// error, `cancelled`; one that has told enough is ended on purpose with ``stop()``, which counts as complete.
public struct StreamedResponse: Sendable {
    /// Status, headers, URL and history; its body is empty.
    public let response: Response
    /// The body, decompressed; to be read once.
    public let body: ResponseBody

    /// Known before the body.
    public var status: HTTPResponse.Status { response.status }
    /// Whether the status is below 400.
    public var isSuccess: Bool { response.isSuccess }
    /// Those of the last exchange, redirects aside.
    public var headers: HTTPFields { response.headers }
    /// Where the response came from, redirects followed.
    public var url: String { response.url }
    /// The redirects that led here, oldest first.
    public var history: [Response] { response.history }
    /// The cookies that this response set.
    public var cookies: [Cookie] { response.cookies }

    /// Ends the body here, on purpose: the transfer is aborted, and the hit counts as complete.
    public func stop() async { await body.source.stop() }

    /// Reads the rest of the body.
    ///
    /// - Throws: ``SessionError``; `.bodyTooLarge` beyond the session's `maxBodySize`.
    public func collect() async throws(SessionError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try await body.source.next() {
            bytes.append(contentsOf: chunk)
            if bytes.count > body.source.limit {
                let error = SessionError(
                    code: .bodyTooLarge,
                    message: "the body of \(url) is larger than \(body.source.limit) bytes: raise maxBodySize", url: url
                )
                await body.source.giveUp(error)
                throw error
            }
        }
        return bytes
    }
}

/// The chunks of a streamed body.
public struct ResponseBody: AsyncSequence, Sendable {
    /// A chunk as it came, decompressed; never empty.
    public typealias Element = [UInt8]
    let source: Source

    /// Iterators of one body share it: each chunk goes to one of them.
    public func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    /// Asks for one chunk at a time.
    public struct Iterator: AsyncIteratorProtocol {
        let source: Source
        /// - Throws: ``SessionError`` when the rest does not come.
        public func next() async throws(SessionError) -> [UInt8]? { try await source.next() }
    }
}

extension ResponseBody {
    /// The transfer behind a body, and its hit.
    final class Source: Sendable {
        private struct State {
            var stream: (any ExchangeStream)?
            var tally: Tally
            var hasEnded = false
        }

        // Kept alive with the body: outside a load run the engine goes when its session goes.
        private let session: Session
        private let state: Mutex<State>
        private let decoder: Mutex<ContentDecoderChain?>
        private let label: HitLabel?
        private let status: Int
        private let failed: Bool
        private let url: String
        let limit: Int
        /// Of the last exchange up to its headers, already in the tally; the stream's progress has them again.
        private let counted: (phases: Phases, bytesReceived: Int)

        init(
            session: Session, stream: (any ExchangeStream)?, decoder: sending ContentDecoderChain?, label: HitLabel?,
            tally: Tally, current: ExchangeResult, failed: Bool, url: String, limit: Int
        ) {
            self.session = session
            state = Mutex(State(stream: stream, tally: tally))
            self.decoder = Mutex(decoder)
            self.label = label
            status = current.status
            self.failed = failed
            self.url = url
            self.limit = limit
            counted = (current.phases, current.bytesReceived)
        }

        deinit {
            end(
                state.withLock { $0.stream }?.progressNow,
                error: SessionError(
                    code: .cancelled,
                    message: "\(url): the body was dropped before its end (StreamedResponse.stop() ends it on purpose)",
                    url: url))
        }

        func next() async throws(SessionError) -> [UInt8]? {
            while true {
                let (stream, hasEnded) = state.withLock { ($0.stream, $0.hasEnded) }
                if hasEnded { return nil }
                let chunk: [UInt8]?
                do throws(SessionError) { chunk = try await stream?.next() } catch {
                    end(await stream?.progress, error: error)
                    throw error
                }
                do throws(DecodingProblem) {
                    guard let chunk else {
                        try finishDecoding()
                        end(await stream?.progress, error: nil)
                        return nil
                    }
                    let decoded = try decode(chunk)
                    // A decoder may hold back what it was given: an empty chunk would look like an end to some.
                    if !decoded.isEmpty { return decoded }
                } catch {
                    let error = error.sessionError(url, limit: limit)
                    end(await stream?.progress, error: error)
                    throw error
                }
            }
        }

        func stop() async { await giveUp(nil) }

        /// Ends the body here, with an error or on purpose.
        func giveUp(_ error: SessionError?) async {
            let stream = state.withLock { $0.stream }
            end(await stream?.progress, error: error)
        }

        private func decode(_ chunk: [UInt8]) throws(DecodingProblem) -> [UInt8] {
            let result: Result<[UInt8], DecodingProblem> = decoder.withLock { decoder in
                guard let decoder else { return .success(chunk) }
                do throws(DecodingProblem) { return .success(try decoder.decode(chunk, limit: limit)) } catch {
                    return .failure(error)
                }
            }
            return try result.get()
        }

        private func finishDecoding() throws(DecodingProblem) {
            let result: Result<Void, DecodingProblem> = decoder.withLock { decoder in
                do throws(DecodingProblem) { return .success(try decoder?.finish() ?? ()) } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }

        /// Records the hit, once, and lets go of the transfer.
        private func end(_ progress: (phases: Phases, bytesReceived: Int)?, error: SessionError?) {
            let tally: Tally? = state.withLock { state in
                if state.hasEnded { return nil }
                state.hasEnded = true
                state.stream = nil
                state.tally.end = .now
                if let progress {
                    state.tally.phases.replace(counted.phases, by: progress.phases)
                    state.tally.bytesReceived += progress.bytesReceived - counted.bytesReceived
                }
                return state.tally
            }
            guard let tally, let label else { return }
            label.record(tally, status: error == nil ? status : nil, failed: error != nil || failed, error: error)
        }
    }
}

extension Phases {
    /// Takes one exchange's phases back and adds others in their place.
    fileprivate mutating func replace(_ old: Phases, by new: Phases) {
        blocked += new.blocked - old.blocked
        dns += new.dns - old.dns
        connect += new.connect - old.connect
        tls += new.tls - old.tls
        send += new.send - old.send
        wait += new.wait - old.wait
        receive += new.receive - old.receive
    }
}
