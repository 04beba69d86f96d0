import CLinux
import Glibc

/// `posix_spawn` with what every child here needs: a session of its own and no descriptor but the three.
enum Spawn {
    static func process(
        _ arguments: [String], environment: [String: String]? = nil, directory: String? = nil, input: Int32,
        output: Int32, errors: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input, 0), (output, 1), (errors, 2)] {
            posix_spawn_file_actions_adddup2(&actions, from, Int32(to))
        }
        loads_spawn_close_from(&actions, 3)
        if let directory { loads_spawn_directory(&actions, directory) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID; SETSIGMASK and SETSIGDEF: a child must not inherit what a loop's thread blocks.
        posix_spawnattr_setflags(&attributes, 0x80 | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)

        let argv = arguments.map { strdup($0) } + [nil]
        let variables = environment?.map { strdup("\($0.key)=\($0.value)") }
        defer {
            for pointer in argv { free(pointer) }
            for pointer in variables ?? [] { free(pointer) }
        }
        var pid: pid_t = 0
        let result: Int32
        if let variables {
            result = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, variables + [nil])
        } else {
            result = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, environ)
        }
        guard result == 0 else {
            throw SupportError("\(arguments[0]) did not start: \(String(cString: strerror(result)))")
        }
        return pid
    }
}

/// What went wrong outside of what is tested.
public struct SupportError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
