/// The pieces of files that agents wait for: dealt out in turns, so that nobody waits for another's whole file. A pure
/// structure.
struct FetchQueue {
    struct Piece: Equatable {
        var agent: String
        var hash: String
        var offset: Int
        var bytes: Int
    }

    private var waiting: [String: [(hash: String, offset: Int, end: Int)]] = [:]
    private var turns: [String] = []
    private let chunk: Int

    /// Requests of one agent that may wait.
    static let limit = 256

    init(chunk: Int) { self.chunk = chunk }

    var isEmpty: Bool { turns.isEmpty }

    /// - Returns: False when the agent asks for too much at once.
    mutating func add(_ agent: String, hash: String, offset: Int, end: Int) -> Bool {
        guard offset < end else { return true }
        guard waiting[agent, default: []].count < Self.limit else { return false }
        if waiting[agent, default: []].isEmpty { turns.append(agent) }
        waiting[agent, default: []].append((hash, offset, end))
        return true
    }

    /// The next piece to send; whoever could not be sent it gets it again with ``add(_:hash:offset:end:)``.
    mutating func next() -> Piece? {
        guard !turns.isEmpty else { return nil }
        let agent = turns.removeFirst()
        guard var list = waiting[agent], let first = list.first else { return nil }
        let piece = Piece(
            agent: agent, hash: first.hash, offset: first.offset, bytes: min(chunk, first.end - first.offset))
        if piece.offset + piece.bytes < first.end {
            list[0].offset += piece.bytes
        } else {
            list.removeFirst()
        }
        waiting[agent] = list.isEmpty ? nil : list
        if !list.isEmpty { turns.append(agent) }
        return piece
    }

    /// Forgets what an agent wanted: it is gone, or asks anew.
    mutating func drop(_ agent: String) {
        waiting[agent] = nil
        turns.removeAll { $0 == agent }
    }
}
