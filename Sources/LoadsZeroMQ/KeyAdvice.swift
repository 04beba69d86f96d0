/// What to tell a person about keys: what is wrong, and what to do.
enum KeyAdvice {
    static func connecting(to endpoint: Endpoint) -> String {
        """
        \(endpoint): beyond this machine keys are needed, since whoever is a master there may start programs here.
        On the master's machine:  loads keys master --dir KEYS
                                  loads keys agent NAME --dir KEYS
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

    static func failed(_ failure: ConnectionWatch.Failure, at endpoint: Endpoint, withKeys: Bool) -> String {
        switch failure {
        case .refused:
            "\(endpoint) turns this key away: it is not among the master's keys for this purpose. On the master's machine: "
                + "loads keys agent NAME --dir KEYS (or client, watcher)"
        case .mechanism:
            withKeys
                ? "\(endpoint) uses no keys, but this side does: leave out --keys, or start the master with its own"
                : "\(endpoint) demands a key: name the folder that 'loads keys' made for this peer with --keys"
        case .keys: "\(endpoint) has another key than master.public says: copy the folder from the master anew"
        case .broken:
            withKeys
                ? "\(endpoint) broke the connection off: is master.public its key, and does it use keys?"
                : "\(endpoint) broke the connection off before it stood: is a master there, and does it demand a key?"
        case .protocolError: "\(endpoint) does not speak as a master does: is the address right?"
        }
    }
}
