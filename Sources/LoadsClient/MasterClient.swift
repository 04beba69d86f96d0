public import LoadsCore
import LoadsEventLoop
public import LoadsTransport
public import LoadsWire

/// A client of a master: asks, submits, follows. Lives on its transport's loop.
///
/// Requests may be repeated, since an answer may be lost with a connection: all of them mean the same the second time.
public actor MasterClient {
    nonisolated let loop: EventLoop
    private let transport: any ClientTransport
    /// How the user named the master, for messages.
    let address: String
    private var conversation = Conversation()
    private var waiting: [Int: CheckedContinuation<ClientAnswer.Answer?, Never>] = [:]
    /// Why there is no connection, since the last one.
    private var trouble: TransportError?
    private var isWelcome = false
    private var followers: [String: AsyncStream<Sound>.Continuation] = [:]

    /// How long an answer is waited for before the request is repeated.
    private static let patience = Duration.seconds(5)

    /// - Parameters:
    ///   - transport: The way to the master.
    ///   - address: How the user named it.
    public init(transport: any ClientTransport, address: String) {
        loop = transport.loop
        self.transport = transport
        self.address = address
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Says hello.
    ///
    /// - Parameter limit: How long a master is waited for.
    /// - Returns: What the master says of itself.
    /// - Throws: ``ClientError``: `transport`, `keys` as soon as the handshake fails over them, or `noAnswer` when none
    ///   answers in time.
    @discardableResult
    public func open(software: String, limit: Duration = .seconds(10)) async throws(ClientError) -> MasterWelcome {
        do throws(TransportError) {
            try transport.open(Receiver(client: self))
        } catch {
            throw ClientError(code: .transport, message: error.message)
        }
        guard case .welcome(let welcome) = try await ask(.hello(software: software), limit: limit) else {
            throw unexpected()
        }
        isWelcome = true
        transport.connectStream(host: welcome.host, port: welcome.streamPort)
        return welcome
    }

    /// Agents and runs.
    public func status() async throws(ClientError) -> ClusterStatus {
        guard case .status(let status) = try await ask(.status) else { throw unexpected() }
        return status
    }

    /// Submits a run and uploads what the master lacks.
    ///
    /// - Parameters:
    ///   - files: Where the files of the launch are, by hash.
    ///   - progress: Is told of bytes sent and of all that are to be sent.
    public func submit(
        _ submission: RunSubmission, files: [String: String],
        progress: @Sendable (_ sent: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(ClientError) {
        guard case .accepted(_, let missing) = try await ask(.submit(submission)) else { throw unexpected() }
        let sizes = Dictionary(
            submission.launch.files.map { ($0.hash, $0.bytes) }, uniquingKeysWith: { size, _ in size })
        let total = missing.reduce(0) { $0 + sizes[$1, default: 0] }
        var sent = 0
        for hash in missing {
            guard let path = files[hash] else {
                throw ClientError(code: .file, message: "the master wants a file that is not part of the run: \(hash)")
            }
            try await upload(path, hash: hash) { bytes in progress(sent + bytes, total) }
            sent += sizes[hash, default: 0]
        }
    }

    private func upload(
        _ path: String, hash: String, progress: (Int) -> Void
    ) async throws(ClientError) {
        let file = try FileReader(path: path)
        var offset = 0
        while true {
            let bytes = try file.read(at: offset, count: FileChunk.limit)
            let answer = try await ask(.upload(FileChunk(hash: hash, offset: offset, bytes: bytes)))
            guard case .credit(_, let there, let complete) = answer else { throw unexpected() }
            if complete { return }
            guard there > offset || !bytes.isEmpty else {
                throw ClientError(
                    code: .file, message: "\(path) has changed while it was sent: build the tests and try again")
            }
            offset = there
            progress(offset)
        }
    }

    /// A run as far as it is.
    public func snapshot(run: String) async throws(ClientError) -> RunSnapshot {
        try await snapshot(run: run, limit: .seconds(60))
    }

    func snapshot(run: String, limit: Duration) async throws(ClientError) -> RunSnapshot {
        guard case .snapshot(let snapshot) = try await ask(.snapshot(run: run), limit: limit) else {
            throw unexpected()
        }
        return snapshot
    }

    /// Stops a run: gracefully, or at once.
    ///
    /// - Parameter by: Who wants it, for others who watch the run: `tarek@laptop`.
    public func stop(run: String, abort: Bool, by: String? = nil) async throws(ClientError) {
        guard case .done = try await ask(.stop(run: run, abort: abort, by: by)) else { throw unexpected() }
    }

    /// Changes the number of users of a run, on all its agents at one instant.
    public func adjust(run: String, users: Int) async throws(ClientError) {
        guard case .done = try await ask(.adjust(run: run, users: users)) else { throw unexpected() }
    }

    /// Changes the arrival rate of a run, on all its agents at one instant.
    public func adjust(run: String, rate: ArrivalRate) async throws(ClientError) {
        guard case .done = try await ask(.adjustRate(run: run, rate: rate)) else { throw unexpected() }
    }

    /// The events of a run.
    ///
    /// - Parameter from: The number of the first one wanted; 1 is all.
    public func log(run: String, from: Int = 1) async throws(ClientError) -> [LogEntry] {
        guard case .log(let entries) = try await ask(.log(run: run, from: from)) else { throw unexpected() }
        return entries
    }

    /// What was measured in each second of a run.
    ///
    /// - Parameter from: The first second wanted.
    /// - Returns: As many as come at once, in their order: the next ones begin after the last one. None when there are no more;
    ///   of a run that goes on, when the master has stored no more yet.
    public func seconds(run: String, from: Int = 0) async throws(ClientError) -> [MeasuredSecond] {
        guard case .seconds(let page) = try await ask(.seconds(run: run, from: from)) else { throw unexpected() }
        return page.seconds
    }

    /// Ends the conversation. The master's runs go on.
    public func close() {
        transport.close()
        for continuation in waiting.values { continuation.resume(returning: nil) }
        waiting = [:]
        for follower in followers.values { follower.finish() }
        followers = [:]
    }

    // MARK: Asking

    /// - Parameter limit: After so long without an answer it is given up.
    private func ask(
        _ ask: ClientRequest.Ask, limit: Duration = .seconds(60)
    ) async throws(ClientError) -> ClientAnswer.Answer {
        let (number, request) = conversation.ask(ask)
        let repeating = Task { await repeatUntilAnswered(number, deadline: .now.advanced(by: limit)) }
        let answer = await withCheckedContinuation { continuation in
            // Before it is sent: a master in this process may answer at once.
            waiting[number] = continuation
            transport.send(request.encoded())
        }
        repeating.cancel()
        switch answer {
        case .error(let fault)?: throw ClientError(fault)
        case let answer?: return answer
        case nil:
            conversation.forget(number)
            throw noAnswer
        }
    }

    private var noAnswer: ClientError {
        guard let trouble, trouble.code != .unreachable else {
            return ClientError(
                code: .noAnswer, message: "no master answers at \(address): is loads-master running there?")
        }
        return ClientError(code: trouble.code == .keys ? .keys : .noAnswer, message: trouble.message)
    }

    private func repeatUntilAnswered(_ number: Int, deadline: Instant) async {
        while Instant.now < deadline {
            guard (try? await loop.sleep(until: min(deadline, .now.advanced(by: Self.patience)))) != nil else { return }
            guard let request = conversation.again(number) else { return }
            transport.send(request.encoded())
        }
        conversation.forget(number)
        waiting.removeValue(forKey: number)?.resume(returning: nil)
    }

    private func unexpected() -> ClientError {
        ClientError(
            code: .conversation,
            message: "the master at \(address) gave an answer to another question: is it this version?"
        )
    }

    fileprivate func connected() { trouble = nil }

    /// A key that does not fit will not fit in ten seconds either; a master that is not there yet may come.
    fileprivate func troubled(_ trouble: TransportError) {
        self.trouble = trouble
        guard trouble.code == .keys, !isWelcome else { return }
        for continuation in waiting.values { continuation.resume(returning: nil) }
        waiting = [:]
    }

    fileprivate func received(control message: [UInt8]) {
        guard let answer = try? ClientAnswer(decoding: message) else { return }
        guard case .answered(let number, let result) = conversation.take(answer) else { return }
        waiting.removeValue(forKey: number)?.resume(returning: result)
    }

    // MARK: Following

    /// What a follower hears.
    enum Sound: Sendable {
        case said(StreamTopic, StreamMessage)
        /// Time goes by.
        case tick
        /// The run as far as it is, as somebody asked for it.
        case answered(Result<RunSnapshot, ClientError>)
    }

    func tick(run: String) { hear(.tick, run: run) }
    func hear(_ sound: Sound, run: String) { followers[run]?.yield(sound) }

    /// What a run's topics say, from now on.
    func subscribe(run: String, topics: [StreamTopic]) -> AsyncStream<Sound> {
        let (stream, continuation) = AsyncStream.makeStream(of: Sound.self)
        followers[run] = continuation
        for topic in topics { transport.subscribe(topic.frame(run: run)) }
        return stream
    }

    func unsubscribe(run: String, topics: [StreamTopic]) {
        for topic in topics { transport.unsubscribe(topic.frame(run: run)) }
        followers.removeValue(forKey: run)?.finish()
    }

    fileprivate func received(topic: String, _ message: [UInt8]) {
        guard let slash = topic.firstIndex(of: "/"), let kind = StreamTopic(rawValue: String(topic[..<slash])),
            let decoded = try? StreamMessage(decoding: message)
        else { return }
        followers[decoded.run]?.yield(.said(kind, decoded))
    }
}

/// Brings what the transport says, on its loop, to the client.
private final class Receiver: ClientReceiver {
    private let client: MasterClient
    init(client: MasterClient) { self.client = client }
    func connected() { client.assumeIsolated { $0.connected() } }
    func trouble(_ trouble: TransportError) { client.assumeIsolated { $0.troubled(trouble) } }
    func received(control message: [UInt8]) { client.assumeIsolated { $0.received(control: message) } }
    func received(topic: String, _ message: [UInt8]) {
        client.assumeIsolated { $0.received(topic: topic, message) }
    }
}
