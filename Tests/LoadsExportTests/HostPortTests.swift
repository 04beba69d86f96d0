import LoadsExport
import Testing

@Suite struct HostPortTests {
    @Test(arguments: [
        ("9464", "127.0.0.1:9464"), (":9464", "127.0.0.1:9464"), ("0.0.0.0:9464", "0.0.0.0:9464"),
        ("[::1]:80", "[::1]:80"), ("statsd.example.org", "statsd.example.org:8125"), ("[::1]", "[::1]:8125"),
        ("localhost:0", "localhost:0"),
    ])
    func readsAddresses(_ text: String, _ address: String) {
        #expect(HostPort(text, defaultPort: 8125)?.description == address)
    }

    @Test(arguments: [
        "", ":", "99999", "a:b", "host:70000", "host:-1", "[::1", "[host]:1", "a b:1", "http://h:1/", "1:2:3",
    ])
    func refusesWhatIsNone(_ text: String) { #expect(HostPort(text, defaultPort: 8125) == nil) }

    @Test func aHostAloneNeedsADefaultPort() { #expect(HostPort("statsd.example.org") == nil) }
}
