import CLinux
import Foundation
import Glibc

/// A program run to its end, its output read line by line.
///
/// Unlike Foundation's `Process` it stays in the caller's process group, so that Ctrl-C reaches it too.
struct Command: Sendable {
    var arguments: [String]
    var environment: [String: String] = [:]
    /// Whether standard error is read too; otherwise it is the caller's.
    var mergesErrors = true

    struct Failure: Error {
        let reason: String
    }

    /// Runs the program, found through `PATH` if it is a plain name, on a thread of its own.
    ///
    /// - Returns: Its exit code; 128 and the signal's number if a signal ended it.
    /// - Throws: When it could not be started.
    func run(onLine: @escaping @Sendable (String) -> Void) async throws(Failure) -> Int {
        let result: Result<Int, Failure> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Result { () throws(Failure) in try runBlocking(onLine) })
            }
        }
        return try result.get()
    }

    private func runBlocking(_ onLine: (String) -> Void) throws(Failure) -> Int {
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { throw Failure(reason: "no descriptors left (raise `ulimit -n`)") }
        for end in pipe { _ = loads_fcntl_int(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        if mergesErrors { posix_spawn_file_actions_adddup2(&actions, pipe[1], 2) }
        loads_spawn_close_from(&actions, 3)

        var process = pid_t()
        let variables = Self.currentEnvironment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        let status = Self.withCStrings(arguments) { arguments in
            Self.withCStrings(variables) { posix_spawnp(&process, arguments[0]!, &actions, nil, arguments, $0) }
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        guard status == 0 else {
            throw Failure(reason: "\(arguments[0]) could not be started: \(String(cString: strerror(status)))")
        }
        Self.readLines(pipe[0], onLine)
        var ending: Int32 = 0
        while waitpid(process, &ending, 0) < 0, errno == EINTR {}
        let signal = ending & 0x7f
        return signal == 0 ? Int((ending >> 8) & 0xff) : 128 + Int(signal)
    }

    private static func readLines(_ descriptor: Int32, _ onLine: (String) -> Void) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                onLine(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
        if !rest.isEmpty { onLine(String(decoding: rest, as: UTF8.self)) }
    }

    private static var currentEnvironment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers)
    }
}
