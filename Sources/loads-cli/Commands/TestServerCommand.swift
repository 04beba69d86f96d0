import ArgumentParser
import LoadsCore
import LoadsTestServer

/// `loads test-server`: the scripted server by itself, for experiments. Ends with a signal.
struct TestServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test-server", abstract: "Serve what a request's path says (Docs/TestServer.md).")

    @Option(help: "0 is a free one.")
    var port = 0
    @Option(help: "Event loops.")
    var loops = 1

    func run() async throws {
        guard (0...65_535).contains(port) else { throw UsageError(["--port \(port): no port (0 to 65535)"]) }
        guard (1...Plan.loopLimit).contains(loops) else { throw UsageError(["--loops \(loops): must be at least 1"]) }
        let server: TestServer
        do {
            server = try TestServer(port: port, loops: loops)
        } catch {
            throw UsageError(["--port \(port): \(error)"])
        }
        let (signals, continuation) = AsyncStream<Void>.makeStream()
        let interrupts = Interrupts { _ in continuation.finish() }
        Console().write(server.url + "\n")
        for await _ in signals {}
        await server.stop()
        _ = interrupts
    }
}
