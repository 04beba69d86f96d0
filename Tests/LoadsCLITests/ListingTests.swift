import Foundation
import LoadsPackage
import Testing

@testable import loads_cli

@Suite struct ListingTests {
    private let tests = [
        TestEntry(id: "M.S/a", kind: .swiftTesting, parameterized: true, tags: ["slow"], file: "M/S.swift", line: 7),
        TestEntry(id: "M.T/testB", kind: .xcTest, disabled: "broken"),
    ]

    @Test func isOneTestALine() {
        #expect(ListCommand.text(tests) == "M.S/a  (parameterized)\nM.T/testB  (disabled: broken)\n")
    }

    @Test func isReadableByPrograms() throws {
        let read = try JSONDecoder().decode([TestEntry].self, from: Data(ListCommand.json(tests).utf8))
        #expect(read == tests)
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080/", true), ("HTTP://[::1]/", true), ("http://example.org", true),
        ("https://127.0.0.1/", false),
        // One host with addresses of both protocols.
        ("http://localhost:8080/", false), ("http://LocalHost", false), ("http://user:p@a.localhost/x", false),
        ("http://example.org/localhost", true),
    ])
    func plainConnectionsAreToldByTheURL(_ url: String, _ isPlain: Bool) {
        #expect(DescriptorLimit.isPlain(url) == isPlain)
    }

    @Test func descriptorsSufficeOrAreMissed() {
        #expect(DescriptorLimit.problem(users: 5000, isPlain: false, limit: 20_000) == nil)
        #expect(DescriptorLimit.problem(users: 7000, isPlain: false, limit: 20_000)?.contains("6633 users") == true)
        #expect(DescriptorLimit.problem(users: 7000, isPlain: true, limit: 20_000) == nil)
        #expect(
            DescriptorLimit.problem(users: 10_000, isPlain: true, servers: 2, limit: 20_000)?.contains("9950 users")
                == true)
        let open = DescriptorLimit.problem(users: 20_000, option: "--max-users", isPlain: true, limit: 20_000)
        #expect(open?.hasPrefix("--max-users 20000: ") == true)
        #expect(DescriptorLimit.problem(users: 20_000, isPlain: true, limit: 20_000)?.contains("19900 users") == true)
    }
}
