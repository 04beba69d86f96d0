import Glibc
import LoadsEventLoop
import LoadsTransport
import Synchronization

/// The public keys in a master's folders, read again when the folders change.
final class KeyRing: Sendable {
    private struct State {
        /// The paths of each key's files.
        var known: [String: [Entry]] = [:]
        var stamps: [Int] = []
        var readAt: Instant?
        /// Whether a folder had changed just before it was read.
        var wasFresh = false
    }

    private struct Entry {
        var role: PeerRole
        var name: String
        var path: String
    }

    /// Unknown keys do not make the folders be read more often than this, unless the folders have changed: somebody who
    /// tries key after key must not keep the others waiting.
    private static let pause = Duration.milliseconds(100)

    /// Seconds within which a folder may change twice and look the same: file systems tell times of a tick, some of a second.
    private static let tick = 2.0

    private let directory: String
    private let state = Mutex(State())

    init(directory: String) { self.directory = directory }

    /// Who a key belongs to; nil when it is in none of the folders. A key in two of them has both roles.
    func identity(of key: String) -> PeerIdentity? {
        state.withLock { state in
            if state.stamps != stamps() || (state.wasFresh && !Self.areFresh(state.stamps)) { read(&state) }
            // The file itself is asked each time: one that was changed in place no longer counts.
            if let found = current(state.known[key], key) { return found }
            // One that was filled after the folder had been read does.
            if let last = state.readAt, last.advanced(by: Self.pause) > .now { return nil }
            read(&state)
            return current(state.known[key], key)
        }
    }

    private func current(_ entries: [Entry]?, _ key: String) -> PeerIdentity? {
        let valid = (entries ?? []).filter { (try? KeyFile.publicKey($0.path)) == key }
        guard let first = valid.first else { return nil }
        return PeerIdentity(roles: Set(valid.map(\.role)), key: first.name)
    }

    private func read(_ state: inout State) {
        // Before the reading: what changes meanwhile is read again the next time.
        state.stamps = stamps()
        state.wasFresh = Self.areFresh(state.stamps)
        state.readAt = .now
        state.known = [:]
        for role in PeerRole.allCases {
            let folder = "\(directory)/\(role.folder)"
            for file in Self.files(in: folder) where file.hasSuffix(".public") && !file.hasPrefix(".") {
                let path = "\(folder)/\(file)"
                guard let key = try? KeyFile.publicKey(path) else { continue }
                state.known[key, default: []].append(Entry(role: role, name: String(file.dropLast(7)), path: path))
            }
        }
    }

    /// When the folders last changed, in nanoseconds.
    private func stamps() -> [Int] {
        PeerRole.allCases.map { role in
            var status = stat()
            guard stat("\(directory)/\(role.folder)", &status) == 0 else { return 0 }
            return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        }
    }

    private static func areFresh(_ stamps: [Int]) -> Bool {
        Double(stamps.max() ?? 0) / 1e9 + tick > Instant.wallTime
    }

    private static func files(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }
}
