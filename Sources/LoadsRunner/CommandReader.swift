import Glibc
import LoadsWire
import Synchronization

/// Reads commands from the agent, blocking: first the order, then, on a thread of its own, whatever follows.
final class CommandReader: Sendable {
    private let descriptor: Int32
    private let parser = Mutex(FrameParser())

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// The next command; nil when the agent is gone.
    func next() throws(WireError) -> RunnerCommand? {
        while true {
            if let message = try nextMessage() { return try RunnerCommand(decoding: message) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return nil }
            bytes.withUnsafeBytes { raw in
                parser.withLock { $0.append(UnsafeRawBufferPointer(rebasing: raw[..<count])) }
            }
        }
    }

    /// The next command that this version knows; nil when the agent is gone, or talks of something else entirely.
    private func nextKnown() -> RunnerCommand? {
        while true {
            do throws(WireError) {
                return try next()
            } catch {
                guard error.code == .field else { return nil }
            }
        }
    }

    private func nextMessage() throws(WireError) -> [UInt8]? {
        let result: Result<[UInt8]?, WireError> = parser.withLock { parser in
            do throws(WireError) { return .success(try parser.next()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Calls a closure for each further command, on a thread of its own, and with nil when the agent is gone.
    func listen(_ body: @escaping @Sendable (RunnerCommand?) -> Void) {
        BackgroundThread.start(name: "loads-commands") { [self] in
            while let command = nextKnown() { body(command) }
            body(nil)
            // The agent is gone. A run that does not end by itself now would be an orphan with nobody to report to.
            sleep(10)
            _exit(71)
        }
    }
}

/// Threads for what may block.
enum BackgroundThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(name: String, _ run: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(Body(run)).toOpaque())
        precondition(result == 0, "no thread for \(name): \(String(cString: strerror(result)))")
        pthread_attr_destroy(&attributes)
    }
}
