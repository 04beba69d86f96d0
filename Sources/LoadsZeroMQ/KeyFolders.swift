import Glibc
public import LoadsTransport

/// What a master, or whoever connects to one, holds in its folder of keys; and how these folders are made.
///
/// A master's folder: `master.secret`, `master.public`, and a file `NAME.public` for each peer in `agents/`, `clients/`
/// or `watchers/`. A peer's folder: `ROLE.secret`, `ROLE.public` and the master's `master.public`.
public enum KeyFolders {
    /// Makes a master's folder with a new key.
    ///
    /// - Throws: ``TransportError`` with code `keys` when the folder has a master's key already, or cannot be written.
    @discardableResult
    public static func makeMaster(_ directory: String) throws(TransportError) -> KeyPair {
        guard !KeyFile.exists("\(directory)/master.secret") else {
            throw KeyFile.refusal("\(directory)/master.secret", "is there already: the folder has its key")
        }
        try KeyFile.makeFolder(directory)
        for role in PeerRole.allCases { try KeyFile.makeFolder("\(directory)/\(role.folder)") }
        let pair = KeyPair.generate()
        try KeyFile.write(pair.secretKey, to: "\(directory)/master.secret", secret: true)
        try KeyFile.write(pair.publicKey, to: "\(directory)/master.public", secret: false)
        return pair
    }

    /// Makes a key for a peer: the public one is added to the master's folder, and counts from then on, also for a
    /// master that runs; the folder to hand over to the peer is made.
    ///
    /// - Parameters:
    ///   - name: 1 to 64 letters, digits, `-`, `_` and `.`, beginning with none of the last three.
    ///   - role: What it may do.
    ///   - directory: The master's folder.
    ///   - output: The peer's new folder; nil is `NAME` in the master's.
    /// - Returns: The peer's folder.
    /// - Throws: ``TransportError`` with code `keys`.
    @discardableResult
    public static func addPeer(
        _ name: String, role: PeerRole, to directory: String, output: String? = nil
    ) throws(TransportError) -> String {
        guard isName(name) else {
            throw TransportError(
                code: .keys,
                message:
                    "\(name): not a name for a key (1 to 64 letters, digits, '-', '_' and '.', a letter or digit first)"
            )
        }
        let isOwnFolder = output == nil
        let output = output ?? "\(directory)/\(name)"
        guard KeyFile.exists("\(directory)/master.public") else {
            throw KeyFile.refusal(
                directory,
                "is no master's folder of keys (no master.public): make it first with `loads keys master --dir \(directory)`"
            )
        }
        let master = try KeyFile.publicKey("\(directory)/master.public")
        for other in PeerRole.allCases where isOwnFolder && other != role {
            // A folder with the keys of two roles says nothing of which one is meant.
            guard KeyFile.exists("\(output)/\(other.rawValue).secret") else { continue }
            throw KeyFile.refusal(
                output, "has the keys of the \(other.rawValue) \(name) already: choose another name, or another --out")
        }
        let known = "\(directory)/\(role.folder)/\(name).public"
        guard !KeyFile.exists(known) else { throw KeyFile.refusal(known, "is there already: choose another name") }
        if !output.hasPrefix("\(directory)/") || !PeerRole.allCases.contains(where: { $0.folder == name }) {
            try KeyFile.makeFolder(output)
        } else {
            throw KeyFile.refusal(output, "is one of the master's own folders: choose another name")
        }
        let pair = KeyPair.generate()
        try KeyFile.write(pair.secretKey, to: "\(output)/\(role.rawValue).secret", secret: true)
        try KeyFile.write(pair.publicKey, to: "\(output)/\(role.rawValue).public", secret: false)
        if !KeyFile.exists("\(output)/master.public") {
            try KeyFile.write(master, to: "\(output)/master.public", secret: false)
        }
        // Last: a key that counts has its folder.
        try KeyFile.makeFolder("\(directory)/\(role.folder)")
        try KeyFile.write(pair.publicKey, to: known, secret: false)
        return output
    }

    static func isName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.first, first.isLetter || first.isNumber else {
            return false
        }
        return name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "-_.".utf8.contains($0)
        }
    }
}

extension PeerRole {
    /// The folder of its public keys in a master's folder.
    var folder: String { "\(rawValue)s" }
}

/// A master's own key, and where its peers' are.
public struct MasterKeys: Sendable {
    /// The master's folder of keys.
    public let directory: String
    let own: KeyPair

    /// Reads a master's folder.
    ///
    /// - Throws: ``TransportError`` with code `keys` when the secret is missing, is no key or may be read by others.
    public init(directory: String) throws(TransportError) {
        guard KeyFile.exists("\(directory)/master.secret") else {
            throw KeyFile.refusal(
                directory, "has no master.secret: make the folder with 'loads keys master --dir \(directory)'")
        }
        self.directory = directory
        own = try KeyFile.pair("\(directory)/master.secret")
    }
}

/// The key of an agent, client or watcher, and the public key of the master that it trusts.
public struct PeerKeys: Sendable {
    /// What the folder's key is for. The master decides by its own folders.
    public let role: PeerRole
    let own: KeyPair
    let master: String

    /// Reads a peer's folder.
    ///
    /// - Parameters:
    ///   - role: Which of the folder's keys; nil is the only one.
    ///   - expected: The roles that a person is told of when the folder has no key.
    /// - Throws: ``TransportError`` with code `keys` when a file is missing, is no key, or a secret may be read by others.
    public init(
        directory: String, role: PeerRole? = nil, expected: [PeerRole] = PeerRole.allCases
    ) throws(TransportError) {
        guard KeyFile.exists(directory) else {
            throw KeyFile.refusal(
                directory, "is not there: name the folder that 'loads keys' made for this peer with --keys")
        }
        let found = PeerRole.allCases.filter {
            (role ?? $0) == $0 && KeyFile.exists("\(directory)/\($0.rawValue).secret")
        }
        guard let only = found.first, found.count == 1 else {
            let expected = (role.map { [$0] } ?? expected).map { "\($0.rawValue).secret" }
            throw KeyFile.refusal(
                directory,
                found.isEmpty
                    ? "has no \(expected.joined(separator: ", ")): copy the folder that 'loads keys' made for this peer"
                    : "has several keys: keep one of \(found.map { "\($0.rawValue).secret" }.joined(separator: ", "))")
        }
        self.role = only
        own = try KeyFile.pair("\(directory)/\(only.rawValue).secret")
        master = try KeyFile.publicKey("\(directory)/master.public")
    }

    init(role: PeerRole, own: KeyPair, master: String) {
        self.role = role
        self.own = own
        self.master = master
    }
}
