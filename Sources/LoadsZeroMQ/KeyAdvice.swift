import LoadsTransport

/// What to tell a person about keys: what is wrong, and what to do.
enum KeyAdvice {
    static func connecting(to endpoint: Endpoint, as role: PeerRole) -> String {
        let reason =
            role == .agent
            ? "whoever is a master there may start programs here"
            : "what a run is told and what it measures would be open to everybody on the way"
        return """
            \(endpoint): beyond this machine keys are needed, since \(reason).
            On the master's machine:  loads keys master --dir KEYS      (once)
                                      loads keys \(role.rawValue) NAME --dir KEYS
            Copy the folder KEYS/NAME that the second makes to this machine, and name it with --keys.
            """
    }

    static func binding(to endpoint: Endpoint) -> String {
        """
        \(endpoint): beyond this machine keys are needed, since whoever reaches a master may start programs on its agents.
            loads keys master --dir KEYS
            loads keys agent NAME --dir KEYS
        Then name the folder with --keys KEYS, and copy KEYS/NAME to the agent's machine.
        """
    }

    /// What is wrong with a connection whose handshake failed.
    static func failed(
        _ failure: ConnectionWatch.Failure, at endpoint: Endpoint, as role: PeerRole, withKeys: Bool
    ) -> TransportError {
        switch failure {
        case .refused:
            TransportError(
                code: .keys,
                message: "\(endpoint) turns this key away: it is not among the master's keys for this purpose. On the "
                    + "master's machine: loads keys \(role.rawValue) NAME --dir KEYS")
        case .mechanism:
            TransportError(
                code: .keys,
                message: withKeys
                    ? "\(endpoint) uses no keys, but this side does: leave out --keys, or start the master with its own"
                    : "\(endpoint) demands a key: name the folder that 'loads keys' made for this peer with --keys")
        case .keys:
            TransportError(
                code: .keys,
                message: "\(endpoint) has another key than master.public says: copy the folder from the master anew")
        case .broken where withKeys:
            TransportError(
                code: .keys,
                message:
                    "\(endpoint) breaks the connection off: its key is another than master.public says, or it uses no "
                    + "keys. Copy this peer's folder from the master anew, or look whether the address is right")
        case .broken:
            TransportError(
                code: .stranger,
                message:
                    "\(endpoint) breaks the connection off before it stands: is a master there, and does it demand a "
                    + "key (--keys)?")
        case .protocolError:
            TransportError(
                code: .stranger, message: "\(endpoint) does not speak as a master does: is the address right?")
        }
    }
}
