import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsRunner
import LoadsWire

/// A runner that behaves, or misbehaves, as its first argument says. Started by the agent's tests.
@main
enum Main {
    static func main() async {
        let mode = CommandLine.arguments.dropFirst().first ?? "normal"
        if let file = getenv("FIXTURE_PROCESS_FILE") { writeProcess(to: String(cString: file)) }
        switch mode {
        case "exit-early":
            say("cannot go on\n")
            exit(3)
        case "deaf":
            signal(SIGTERM, SIG_IGN)
            while true { sleep(1000) }
        case "garbage":
            let descriptor = Int32(String(cString: getenv("LOADS_REPORTS_FD")))!
            write(descriptor, [0, 0, 0, 2, 0xc1, 0xc1], 6)
            while true { sleep(1000) }
        default: await Fixture(mode: mode).run()
        }
    }

    private static func writeProcess(to path: String) {
        let file = fopen(path, "w")
        fputs("\(getpid())\n", file)
        fclose(file)
    }
}

/// A runner that opens its connection.
struct Fixture {
    let mode: String

    func run() async {
        guard let connection = try? RunnerConnection.open(kind: "fixture"), let order = try? connection.order() else {
            exit(70)
        }
        switch mode {
        case "refuse": return connection.refuse(code: 69, message: "no such test: x")
        case "ignore-stop": while true { sleep(1000) }
        default: break
        }
        connection.note("mode \(mode)")
        let names = Int(order.options["names"]?.first ?? "1")!
        let limit = Int(order.options["crash-after"]?.first ?? "") ?? .max
        let scenario = Scenario(name: mode) { [mode] context in
            let start = Instant.now
            if mode != "flood" { try? await context.user.loop.sleep(for: .milliseconds(mode == "slow" ? 20 : 1)) }
            if mode == "crash", context.number >= limit {
                say("about to crash\n")
                signal(SIGSEGV, SIG_DFL)
                raise(SIGSEGV)
            }
            if mode == "exit", context.number >= limit { _exit(3) }
            let name = "name \((context.user.number + context.number) % names)"
            let hit = Hit(
                start: start, name: name, method: "GET", url: "http://fixture/\(name)", status: 200,
                latency: Instant.now.nanoseconds(since: start), bytesReceived: 10, failed: false)
            context.user.record(hit, iteration: context.number)
            return .ok
        }
        await connection.run(scenarios: [scenario])
        if mode == "crash-after-end" { abort() }
        if mode == "stay" { while true { sleep(1000) } }
    }
}

/// Writes to standard error.
private func say(_ text: String) { write(2, text, text.utf8.count) }
