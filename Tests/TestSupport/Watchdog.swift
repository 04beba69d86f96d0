import CLinux
import Glibc
import Synchronization

/// Kills what a test run started and deletes what it made, even when the run itself is killed.
///
/// A shell reads the names of process groups and directories from a pipe; when the pipe closes because this process is
/// gone, for whatever reason, it cleans up. (`PR_SET_PDEATHSIG` would fire when a mere *thread* of ours ends.)
enum Watchdog {
    private static let pipe = Mutex<Int32>(-1)

    static let script = """
        trap '' INT TERM HUP
        groups=; directories=
        while IFS=' ' read -r what name; do
            case $what in
            start) groups="$groups $name" ;;
            end) rest=; for group in $groups; do [ "$group" = "$name" ] || rest="$rest $group"; done; groups=$rest ;;
            directory) directories="$directories $name" ;;
            esac
        done
        for group in $groups; do kill -TERM "-$group" 2>/dev/null; done
        [ -z "$groups" ] || sleep 0.5
        for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
        for directory in $directories; do rm -rf -- "$directory"; done
        """

    static func started(group: pid_t) { say("start \(group)") }
    static func ended(group: pid_t) { say("end \(group)") }
    static func made(directory: String) { say("directory \(directory)") }

    private static func say(_ line: String) {
        pipe.withLock { pipe in
            if pipe < 0 { pipe = start() }
            let bytes = Array((line + "\n").utf8)
            _ = bytes.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
        }
    }

    private static func start() -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        precondition(loads_pipe(&ends) == 0, "no pipe for the watchdog: \(String(cString: strerror(errno)))")
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        _ = try! Spawn.process(["/bin/sh", "-c", script], input: ends[0], output: null, errors: null)
        close(ends[0])
        close(null)
        return ends[1]
    }
}
