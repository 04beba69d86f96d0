import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsTransport
import LoadsWire
import Synchronization

/// What comes from a runner process, in order; the last is always `.exited`.
enum RunnerEvent: Sendable {
    case report(RunnerReport)
    /// It sent something that is no report.
    case broken(String)
    case exited(status: Int32)
}

/// One runner process: its pipes read on the agent's loop, its end noticed and reaped there.
final class RunnerProcess: FileHandler, @unchecked Sendable {
    // @unchecked: everything below `spawned` is touched on the loop's thread only; `commandLock` guards the commands.

    let events: AsyncStream<RunnerEvent>
    let counters: LiveCounters
    private let continuation: AsyncStream<RunnerEvent>.Continuation
    private let loop: EventLoop
    private let spawned: SpawnedProcess
    private let commandsOpen = Mutex(true)

    private var parser = FrameParser()
    private var tail: [UInt8] = []
    private var exitStatus: Int32?
    private var reportsOpen = true
    private var outputOpen = true
    private var waiting = 0
    private var paused = false
    private var patience: LoopTimer?
    private var done = false
    private let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    /// Reports that may wait for the agent before the pipe is left unread: the runner then merges its batches.
    private static let waitingLimit = 32
    /// How much of what it prints is kept.
    private static let tailLimit = 16 * 1024

    init(_ launch: RunnerLaunch, loop: EventLoop) throws(SpawnError) {
        spawned = try Spawn.start(launch, counterBytes: LiveCounters.byteCount)
        self.loop = loop
        counters = LiveCounters(base: spawned.counters)
        (events, continuation) = AsyncStream.makeStream()
        for descriptor in [spawned.reports, spawned.output] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        loop.submit { self.watch() }
    }

    deinit {
        space.deallocate()
        munmap(spawned.counters, LiveCounters.byteCount)
    }

    private func watch() {
        loop.register(spawned.reports, interest: .readable, handler: self)
        loop.register(spawned.output, interest: .readable, handler: self)
        if spawned.processDescriptor >= 0 {
            loop.register(spawned.processDescriptor, interest: .readable, handler: self)
        }
    }

    /// Sends a command. From any thread; a runner that is gone is no error, its end is reported anyway.
    func send(_ command: RunnerCommand) {
        let bytes = FrameParser.frame(command.encoded())
        commandsOpen.withLock { open in
            guard open else { return }
            bytes.withUnsafeBytes { raw in
                var offset = 0
                while offset < raw.count {
                    let count = write(spawned.commands, raw.baseAddress! + offset, raw.count - offset)
                    if count < 0 && errno == EINTR { continue }
                    if count <= 0 { return }
                    offset += count
                }
            }
        }
    }

    /// Kills the process and whatever it started.
    func kill() { _ = Glibc.kill(-spawned.process, SIGKILL) }

    /// The end of what it printed. To be read after its end.
    var output: String {
        get async {
            await withUnsafeContinuation { continuation in
                let taken = loop.submit { continuation.resume(returning: String(decoding: self.tail, as: UTF8.self)) }
                if !taken { continuation.resume(returning: "") }
            }
        }
    }

    /// The consumer has dealt with a report: more may be read.
    func consumed() {
        loop.submit { [self] in
            waiting -= 1
            guard paused, waiting < Self.waitingLimit / 2, reportsOpen else { return }
            paused = false
            loop.update(spawned.reports, interest: .readable)
        }
    }

    // MARK: On the loop

    func handle(_ events: FileEvents, on descriptor: Int32) {
        switch descriptor {
        case spawned.reports: readReports()
        case spawned.output: readOutput()
        default: reap()
        }
        finishIfOver()
    }

    private func readReports() {
        while reportsOpen && !paused {
            let count = read(spawned.reports, space.baseAddress, space.count)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
            }
            if count <= 0 {
                closeReports()
                return
            }
            parser.append(UnsafeRawBufferPointer(rebasing: space[..<count]))
            deliver()
        }
    }

    private func deliver() {
        do {
            while let message = try parser.next() {
                waiting += 1
                continuation.yield(.report(try RunnerReport(decoding: message)))
            }
        } catch {
            waiting += 1
            continuation.yield(.broken("\(error)"))
            closeReports()
            kill()
            return
        }
        if waiting >= Self.waitingLimit {
            paused = true
            loop.update(spawned.reports, interest: [])
        }
    }

    private func closeReports() {
        reportsOpen = false
        loop.deregister(spawned.reports)
        close(spawned.reports)
    }

    private func readOutput() {
        while outputOpen {
            let count = read(spawned.output, space.baseAddress, space.count)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
            }
            if count <= 0 {
                closeOutput()
                return
            }
            tail.append(contentsOf: space[..<count])
            if tail.count > 2 * Self.tailLimit { tail.removeFirst(tail.count - Self.tailLimit) }
        }
    }

    private func closeOutput() {
        outputOpen = false
        loop.deregister(spawned.output)
        close(spawned.output)
    }

    private func reap() {
        var status: Int32 = 0
        let result = waitpid(spawned.process, &status, WNOHANG)
        guard result == spawned.process || (result < 0 && errno == ECHILD) else { return }
        exitStatus = result == spawned.process ? status : 0
        loop.deregister(spawned.processDescriptor)
        close(spawned.processDescriptor)
        // What it left in the pipes is read; a child of its own that holds them open is not waited for longer.
        let timer = LoopTimer { [self] in
            if reportsOpen && !paused { closeReports() }
            if outputOpen { closeOutput() }
            finishIfOver()
            if !done { loop.schedule(patience!, at: .now.advanced(by: .seconds(2))) }
        }
        patience = timer
        loop.schedule(timer, at: .now.advanced(by: .seconds(2)))
    }

    private func finishIfOver() {
        guard let exitStatus, !reportsOpen, !outputOpen, !done else { return }
        done = true
        if let patience { loop.cancel(patience) }
        patience = nil
        commandsOpen.withLock { open in
            open = false
            close(spawned.commands)
        }
        continuation.yield(.exited(status: exitStatus))
        continuation.finish()
    }
}
