import LoadsEventLoop
import LoadsTransport
import Testing

@testable import LoadsZeroMQ

@Suite struct AuthenticationFormTests {
    private let key = [UInt8](0..<32)

    private func frames(_ mechanism: String, _ credentials: [[UInt8]]) -> [[UInt8]] {
        ["1.0", "7", "domain", "10.0.0.5", "", mechanism].map { Array($0.utf8) } + credentials
    }

    @Test func aQuestionIsReadAndAnswered() throws {
        let request = try #require(ZAPRequest(frames("CURVE", [key])))
        #expect(request.domain == "domain")
        #expect(request.address == "10.0.0.5")
        #expect(request.key == KeyPair.text(binary: key))
        let yes = request.acceptance(PeerIdentity(roles: [.agent], key: "a"))
        #expect(yes.map { String(decoding: $0, as: UTF8.self) } == ["1.0", "7", "200", "OK", "agent:a", ""])
        let no = request.refusal("why")
        #expect(no.map { String(decoding: $0, as: UTF8.self) } == ["1.0", "7", "400", "why", "", ""])
    }

    @Test func whatIsNoCurveKeyHasNone() throws {
        #expect(try #require(ZAPRequest(frames("NULL", []))).key == nil)
        #expect(try #require(ZAPRequest(frames("CURVE", [Array(key.dropLast())]))).key == nil)
        #expect(try #require(ZAPRequest(frames("PLAIN", [key]))).key == nil)
        #expect(ZAPRequest([]) == nil)
        #expect(ZAPRequest([[1], [2], [3], [4], [5], [6], [7]]) == nil)
    }

    @Test(arguments: [
        PeerIdentity(roles: [.agent], key: "a:b"), PeerIdentity(roles: [.client, .watcher], key: "x"),
        PeerIdentity(roles: Set(PeerRole.allCases), key: "all"),
    ])
    func anIdentityTravelsAsText(_ identity: PeerIdentity) {
        #expect(PeerIdentity(userID: identity.userID) == identity)
    }

    @Test(arguments: [nil, "", "agent", "boss:x", ":x"])
    func noTextMakesRolesOutOfNothing(_ text: String?) {
        let identity = PeerIdentity(userID: text)
        #expect(identity.roles == (text == "agent" ? [.agent] : []))
    }
}
