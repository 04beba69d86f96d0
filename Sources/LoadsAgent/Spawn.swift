import CLinux
import Glibc
import LoadsWire

/// A child process as it was started: its number and our ends of its pipes. All descriptors are close-on-exec.
struct SpawnedProcess {
    var process: pid_t
    /// Kills its process group when we are gone; -1 is none.
    var sentinel: pid_t
    /// Becomes readable when the process ends.
    var processDescriptor: Int32
    /// We write commands here.
    var commands: Int32
    /// We read reports here.
    var reports: Int32
    /// We read what it prints here: standard output and error together.
    var output: Int32
    /// The memory shared with it.
    var counters: UnsafeMutableRawPointer
}

/// Why a process could not be started.
struct SpawnError: Error, CustomStringConvertible {
    let description: String
    /// The exit code of `loads` that says so: 69 for a program that is not there.
    var code = 70
}

enum Spawn {
    /// Under what the child finds its descriptors: numbers from 3 up.
    private static func environmentNames(_ dialect: RunnerLaunch.Dialect) -> [String] {
        switch dialect {
        case .messages: ["LOADS_COMMANDS_FD", "LOADS_REPORTS_FD", "LOADS_COUNTERS_FD"]
        case .lines: ["LOADS_RESULTS_FD"]
        }
    }

    /// Starts a runner in a process group of its own, so that the terminal's Ctrl-C reaches only us. The kernel kills it
    /// when the calling thread ends, as it does when the agent is killed; the sentinel then kills whatever it started.
    ///
    /// - Parameters:
    ///   - counterBytes: The size of the memory shared with it.
    ///   - countersFile: Where that memory lies, to outlive the agent; nil is nowhere.
    static func start(
        _ launch: RunnerLaunch, counterBytes: Int, countersFile: String? = nil
    ) throws(SpawnError) -> SpawnedProcess {
        if let directory = launch.directory, access(directory, X_OK) != 0 {
            throw SpawnError(description: "\(directory), the runner's directory: \(String(cString: strerror(errno)))")
        }
        var opened: [Int32] = []
        var mapped: UnsafeMutableRawPointer?
        func fail(_ what: String, _ code: Int32) -> SpawnError {
            for descriptor in opened { close(descriptor) }
            if let mapped { munmap(mapped, counterBytes) }
            return SpawnError(
                description: "\(what): \(String(cString: strerror(code)))", code: code == ENOENT ? 69 : 70)
        }
        func pipe() throws(SpawnError) -> (read: Int32, write: Int32) {
            var ends: [Int32] = [-1, -1]
            guard loads_pipe(&ends) == 0 else { throw fail("no pipe for the runner (raise `ulimit -n`)", errno) }
            opened += ends
            return (ends[0], ends[1])
        }
        let commands = try pipe()
        let reports = try pipe()
        let output = try pipe()
        let memory =
            countersFile.map { open($0, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
            ?? loads_memfd_create("loads-counters")
        guard memory >= 0, ftruncate(memory, counterBytes) == 0 else { throw fail("no shared memory", errno) }
        opened.append(memory)
        guard let counters = mmap(nil, counterBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0),
            counters != MAP_FAILED
        else { throw fail("no shared memory", errno) }
        mapped = counters

        // Above the child's numbers, so that no copy overwrites what a later one needs.
        func copy(_ descriptor: Int32) throws(SpawnError) -> Int32 {
            let copy = loads_fcntl_int(descriptor, F_DUPFD_CLOEXEC, 16)
            guard copy >= 0 else { throw fail("no descriptor for the runner (raise `ulimit -n`)", errno) }
            opened.append(copy)
            return copy
        }
        var sources: [Int32] = []
        for descriptor in [commands.read, reports.write, memory, output.write] { sources.append(try copy(descriptor)) }
        let inherited: [Int32]
        switch launch.dialect {
        case .messages:
            let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard nothing >= 0 else { throw fail("/dev/null", errno) }
            opened.append(nothing)
            inherited = [try copy(nothing), sources[3], sources[3]] + sources[..<3]
        case .lines: inherited = [sources[0], sources[3], sources[3], sources[1]]
        }

        let (executable, first) = try ProgramPath.resolve(launch)
        let arguments = CStrings(first + launch.arguments)
        let environment = CStrings(environment(launch))
        var process: pid_t = 0
        let code = loads_spawn(
            executable, arguments.pointers, environment.pointers, launch.directory, inherited, Int32(inherited.count),
            &process)
        guard code == 0 else { throw fail("\(executable) cannot be started", code) }
        // Our ends stay, the child's were copied.
        for descriptor in opened where ![commands.write, reports.read, output.read].contains(descriptor) {
            close(descriptor)
        }
        // Our ends only: the child's are descriptions of their own.
        for descriptor in [commands.write, reports.read, output.read] {
            _ = loads_fcntl_int(descriptor, F_SETFL, O_NONBLOCK)
        }
        return SpawnedProcess(
            process: process, sentinel: loads_guard_group(process), processDescriptor: loads_pidfd_open(process),
            commands: commands.write,
            reports: reports.read, output: output.read, counters: counters)
    }

    private static func environment(_ launch: RunnerLaunch) -> [String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let sign = text.firstIndex(of: "=") {
                variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
            }
            next += 1
        }
        variables.merge(launch.environment) { $1 }
        variables["LOADS_RUNNER"] = "1"
        // A crash then ends with its reason, which is what is shown, and not with a hundred lines of registers.
        if variables["SWIFT_BACKTRACE"] == nil { variables["SWIFT_BACKTRACE"] = "enable=no" }
        for (index, name) in environmentNames(launch.dialect).enumerated() { variables[name] = "\(3 + index)" }
        return variables.map { "\($0)=\($1)" }
    }
}

/// An array of C strings that ends with a null pointer, for as long as it lives.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, text) in strings.enumerated() { pointers[index] = strdup(text) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
