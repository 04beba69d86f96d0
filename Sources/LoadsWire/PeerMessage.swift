/// What comes to a master on the control channel, where agents and clients speak.
public enum PeerMessage: Sendable, Equatable {
    /// What an agent says.
    case agent(AgentMessage)
    /// What a client, or a watcher, asks.
    case client(ClientRequest)

    /// Reads a frame: with a field `request` it is a client's, otherwise an agent's.
    ///
    /// - Throws: ``WireError``, whatever the bytes are. Fields that this version does not know are not an error.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            if try root.optional("request") != nil { return .client(try ClientRequest(root)) }
            return .agent(try AgentMessage(root))
        }
    }
}
