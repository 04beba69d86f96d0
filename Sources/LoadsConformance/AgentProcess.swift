import CLinux
import Glibc
import Synchronization

/// The agent under test: a shell's command in a process group of its own. What it prints goes to a file.
final class AgentProcess: Sendable {
    let process: pid_t
    private let log: String
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - command: A command as a shell takes it.
    ///   - directory: Where it prints to a file, behind what is there, and where its temporary files go: it is killed, and
    ///     leaves them.
    init(command: String, directory: String) throws(Deviation) {
        log = directory + "/log"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        loads_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        loads_spawn_fresh(&attributes)
        let arguments: [UnsafeMutablePointer<CChar>?] =
            ["/bin/sh", "-c", "export TMPDIR='\(directory)'; exec \(command)"].map { (text: String) in strdup(text) }
            + [nil]
        defer { for argument in arguments { free(argument) } }
        var started: pid_t = 0
        let code = posix_spawn(&started, "/bin/sh", &actions, &attributes, arguments, environ)
        guard code == 0 else {
            throw Deviation(
                expected: "the command \(command) to start", came: String(cString: strerror(code)))
        }
        process = started
    }

    /// The exit status; nil while it runs. 128 and the number of a signal that ended it.
    var exitStatus: Int32? {
        status.withLock { status in
            if let status { return status }
            var raw: Int32 = 0
            guard waitpid(process, &raw, WNOHANG) == process else { return nil }
            let signal = raw & 0x7f
            status = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
            return status
        }
    }

    func signal(_ number: Int32) {
        if exitStatus == nil { _ = kill(process, number) }
    }

    /// Ends it and what it started, and waits for that.
    func end() {
        _ = kill(-process, SIGKILL)
        while exitStatus == nil { usleep(2000) }
    }

    /// The last lines that it printed.
    var lastWords: String {
        let descriptor = open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, max(0, size - 2000), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 2000)
        let count = max(0, read(descriptor, &bytes, bytes.count))
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").suffix(5)
        return lines.joined(separator: "\n")
    }
}
