import Foundation
import LoadsTransport
import TestSupport
import Testing

@testable import LoadsZeroMQ

@Suite struct KeyFolderTests {
    private let directory: TemporaryDirectory
    private var keys: String { directory.path + "/keys" }

    init() throws { directory = try TemporaryDirectory(prefix: "keys") }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func aMastersFolderIsMadeOnceWithASecretForItsOwnerOnly() throws {
        let pair = try KeyFolders.makeMaster(keys)
        #expect(try mode(keys + "/master.secret") == 0o600)
        #expect(try mode(keys) == 0o700)
        #expect(try MasterKeys(directory: keys).own == pair)
        let text = try String(contentsOfFile: keys + "/master.public", encoding: .utf8)
        #expect(text == pair.publicKey + "\n")
        #expect(!"\(pair)".contains(pair.secretKey))
        let error = #expect(throws: TransportError.self) { try KeyFolders.makeMaster(keys) }
        #expect(error?.code == .keys)
        #expect(try MasterKeys(directory: keys).own == pair)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: keys).sorted() == [
                "agents", "clients", "master.public", "master.secret", "watchers",
            ])
    }

    @Test(arguments: PeerRole.allCases)
    func aPeerGetsAFolderAndTheMasterItsPublicKey(_ role: PeerRole) throws {
        let master = try KeyFolders.makeMaster(keys)
        let folder = try KeyFolders.addPeer("a-1", role: role, to: keys)
        #expect(folder == keys + "/a-1")
        #expect(try mode("\(folder)/\(role.rawValue).secret") == 0o600)
        let peer = try PeerKeys(directory: folder)
        #expect(peer.role == role)
        #expect(peer.master == master.publicKey)
        let identity = KeyRing(directory: keys).identity(of: peer.own.publicKey)
        #expect(identity == PeerIdentity(roles: [role], key: "a-1"))
        #expect(throws: TransportError.self) { try KeyFolders.addPeer("a-1", role: role, to: keys) }
        #expect(try PeerKeys(directory: folder).own == peer.own)
    }

    @Test(arguments: ["", ".", "..", "../x", "a/b", "-a", "a b", "ä", "agents", String(repeating: "a", count: 65)])
    func aNameThatIsNoneIsRefused(_ name: String) throws {
        try KeyFolders.makeMaster(keys)
        let error = #expect(throws: TransportError.self) { try KeyFolders.addPeer(name, role: .agent, to: keys) }
        #expect(error?.code == .keys)
        #expect(try FileManager.default.contentsOfDirectory(atPath: keys + "/agents").isEmpty)
    }

    @Test func aSecretThatOthersMayReadIsRefused() throws {
        try KeyFolders.makeMaster(keys)
        let folder = try KeyFolders.addPeer("one", role: .client, to: keys)
        for mode in [0o640, 0o604, 0o660, 0o644] {
            for path in [keys + "/master.secret", folder + "/client.secret"] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            }
            let master = #expect(throws: TransportError.self) { try MasterKeys(directory: keys) }
            let client = #expect(throws: TransportError.self) { try PeerKeys(directory: folder) }
            #expect(master?.message.contains("chmod 600 \(keys)/master.secret") == true)
            #expect(client?.message.contains("chmod 600 \(folder)/client.secret") == true)
        }
    }

    @Test func whatIsMissingOrNoKeyIsNamed() throws {
        let none = #expect(throws: TransportError.self) { try MasterKeys(directory: keys) }
        #expect(none?.message.contains("loads keys master --dir \(keys)") == true)
        try KeyFolders.makeMaster(keys)
        let folder = try KeyFolders.addPeer("one", role: .agent, to: keys)
        let wrong = #expect(throws: TransportError.self) { try PeerKeys(directory: folder, role: .client) }
        #expect(wrong?.message.contains("client.secret") == true)
        let absent = #expect(throws: TransportError.self) { try PeerKeys(directory: keys + "/nosuch") }
        #expect(absent?.message.contains("/nosuch is not there") == true)
        try KeyFolders.addPeer("two", role: .client, to: keys, output: folder)
        let both = #expect(throws: TransportError.self) { try PeerKeys(directory: folder) }
        #expect(both?.message.contains("agent.secret, client.secret") == true)
        #expect(try PeerKeys(directory: folder, role: .client).role == .client)
        for text in ["", "short", String(repeating: "\u{1}", count: 40), String(repeating: "a", count: 41)] {
            try text.write(toFile: folder + "/master.public", atomically: false, encoding: .utf8)
            let error = #expect(throws: TransportError.self) { try PeerKeys(directory: folder, role: .agent) }
            #expect(error?.message.contains("master.public holds no key") == true)
        }
    }

    @Test func theRingSeesWhatIsAddedChangedAndRemoved() async throws {
        try KeyFolders.makeMaster(keys)
        let ring = KeyRing(directory: keys)
        let one = KeyPair.generate()
        let two = KeyPair.generate()
        #expect(ring.identity(of: one.publicKey) == nil)
        let path = keys + "/agents/one.public"
        try one.publicKey.write(toFile: path, atomically: false, encoding: .utf8)
        // A folder that changes twice within a tick of the system's clock may look as before: then it is read again soon.
        try await eventually("the key counts") {
            ring.identity(of: one.publicKey) == PeerIdentity(roles: [.agent], key: "one")
        }
        // In place: the folder does not change.
        try two.publicKey.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(ring.identity(of: one.publicKey) == nil)
        try await eventually("the new key counts") {
            ring.identity(of: two.publicKey) == PeerIdentity(roles: [.agent], key: "one")
        }
        try two.publicKey.write(toFile: keys + "/clients/one.public", atomically: false, encoding: .utf8)
        #expect(ring.identity(of: two.publicKey) == PeerIdentity(roles: [.agent, .client], key: "one"))
        try FileManager.default.removeItem(atPath: path)
        #expect(ring.identity(of: two.publicKey) == PeerIdentity(roles: [.client], key: "one"))
        try FileManager.default.removeItem(atPath: keys + "/clients/one.public")
        #expect(ring.identity(of: two.publicKey) == nil)
        // What is no key, or no key's file, is passed over.
        try "nonsense".write(toFile: path, atomically: false, encoding: .utf8)
        try one.publicKey.write(toFile: keys + "/agents/notes.txt", atomically: false, encoding: .utf8)
        #expect(ring.identity(of: one.publicKey) == nil)
    }

    /// A key that a peer gets for a second role in the tick in which the ring has read the folders.
    @Test func aChangeInTheTickOfTheLastReadingIsSeen() async throws {
        try KeyFolders.makeMaster(keys)
        let ring = KeyRing(directory: keys)
        let key = KeyPair.generate().publicKey
        try key.write(toFile: keys + "/agents/one.public", atomically: false, encoding: .utf8)
        let now = Date()
        func stamp() throws {
            try FileManager.default.setAttributes([.modificationDate: now], ofItemAtPath: keys + "/clients")
        }
        try stamp()
        #expect(ring.identity(of: key) == PeerIdentity(roles: [.agent], key: "one"))
        try key.write(toFile: keys + "/clients/one.public", atomically: false, encoding: .utf8)
        try stamp()
        try await eventually("the second role counts") {
            ring.identity(of: key) == PeerIdentity(roles: [.agent, .client], key: "one")
        }
    }
}
