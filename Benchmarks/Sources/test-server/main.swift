import Glibc
import LoadsTestServer

// A server of known behaviour for other tools: prints its URL, and serves until its standard input ends.
let server = try TestServer(port: CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0)
let line = server.url + "\n"
_ = write(1, line, line.utf8.count)
while readLine() != nil {}
await server.stop()
