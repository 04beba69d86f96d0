import LoadsTransport

/// A question of libzmq to the authenticator, and the forms of its answer: https://rfc.zeromq.org/spec/27/.
struct ZAPRequest: Equatable {
    var identifier: [UInt8]
    var domain: String
    /// The peer's IP address.
    var address: String
    /// The peer's public key as Z85 text; nil when the mechanism is not CURVE.
    var key: String?

    private static let version = Array("1.0".utf8)

    /// Reads the frames; nil when they are no such question.
    init?(_ frames: [[UInt8]]) {
        guard frames.count >= 6, frames[0] == Self.version else { return nil }
        identifier = frames[1]
        domain = String(decoding: frames[2], as: UTF8.self)
        address = String(decoding: frames[3], as: UTF8.self)
        if frames.count == 7, frames[5] == Array("CURVE".utf8) { key = KeyPair.text(binary: frames[6]) }
    }

    func acceptance(_ identity: PeerIdentity) -> [[UInt8]] { answer("200", "OK", identity.userID) }

    func refusal(_ reason: String) -> [[UInt8]] { answer("400", reason, "") }

    private func answer(_ status: String, _ text: String, _ user: String) -> [[UInt8]] {
        [Self.version, identifier, Array(status.utf8), Array(text.utf8), Array(user.utf8), []]
    }
}

extension PeerIdentity {
    /// What travels through libzmq beside each message: `agent,client:NAME`.
    var userID: String { "\(roles.map(\.rawValue).sorted().joined(separator: ",")):\(key ?? "")" }

    /// Reads ``userID``; somebody without any role when it is none.
    init(userID: String?) {
        let parts = (userID ?? "").split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let roles = parts.first.map { $0.split(separator: ",").compactMap { PeerRole(rawValue: String($0)) } } ?? []
        self.init(roles: Set(roles), key: parts.count == 2 ? String(parts[1]) : nil)
    }
}
