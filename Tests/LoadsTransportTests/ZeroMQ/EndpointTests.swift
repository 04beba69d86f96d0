import LoadsTransport
import LoadsZeroMQ
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("tcp://127.0.0.1:7780", "127.0.0.1", 7780, true),
        ("tcp://localhost:0", "localhost", 0, true),
        ("tcp://[::1]:7780", "::1", 7780, true),
        ("tcp://127.8.9.1:1", "127.8.9.1", 1, true),
        ("tcp://*:7780", "*", 7780, false),
        ("tcp://0.0.0.0:7780", "0.0.0.0", 7780, false),
        ("tcp://[::]:7780", "::", 7780, false),
        ("tcp://load-1.example.org:65535", "load-1.example.org", 65_535, false),
        ("tcp://127.0.0.1.example.org:1", "127.0.0.1.example.org", 1, false),
        ("tcp://127.0.0:1", "127.0.0", 1, false),
        ("tcp://localhost.example.org:1", "localhost.example.org", 1, false),
        ("tcp://[fe80::1%eth0]:1", "fe80::1%eth0", 1, false),
    ])
    func isReadAndWritten(_ text: String, _ host: String, _ port: Int, _ isLoopback: Bool) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.isLoopback == isLoopback)
        #expect(endpoint.description == text)
    }

    @Test(arguments: [
        "", "7780", "127.0.0.1:7780", "udp://127.0.0.1:7780", "tcp://", "tcp://:7780", "tcp://127.0.0.1",
        "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:x", "tcp://::1:7780",
        "tcp://[127.0.0.1]:7780", "tcp://[::1:7780", "tcp://a b:1", "tcp://eth0;127.0.0.1:1", "tcp://a/b:1",
    ])
    func anythingElseIsRefusedWithTheAcceptedForm(_ text: String) {
        let error = #expect(throws: TransportError.self) { try Endpoint(text) }
        #expect(error?.code == .address)
        #expect(error?.message.contains("tcp://HOST:PORT") == true)
        #expect(error?.message.hasPrefix(text) == true)
    }
}
