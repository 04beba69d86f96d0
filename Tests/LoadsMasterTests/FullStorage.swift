import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsWire

/// A storage that is full when its test wants it.
actor FullStorage: RunStorage {
    let memory = MemoryStorage(keepsSeconds: true)
    var isFull = false
    private var isHeld = false
    private(set) var waiting = 0
    nonisolated let keepsHits: Bool

    init(keepsHits: Bool = false) { self.keepsHits = keepsHits }

    /// How long each commit takes.
    private var delay = Duration.zero
    /// When the first commit had ended that held a start or a change at an instant, in nanoseconds.
    private(set) var stored: [Int64: Int64] = [:]

    func set(delay: Duration) { self.delay = delay }
    func set(full: Bool) { isFull = full }
    /// Whether a commit takes until this is false again.
    func set(held: Bool) { isHeld = held }

    func commit(_ changes: [RunChanges], keys: [String: String?]) async throws(StorageError) -> [String: Int] {
        waiting += 1
        while isHeld { try? await Task.sleep(for: .milliseconds(5)) }
        waiting -= 1
        if delay > .zero { try? await Task.sleep(for: delay) }
        let now = Instant.now.nanoseconds
        for record in changes.map(\.record) {
            for at in [record.start?.nanoseconds] + record.members.map(\.adjustment?.at) {
                if let at { stored[at] = stored[at] ?? now }
            }
        }
        if isFull { throw StorageError(code: .disk, message: "no space left") }
        return await memory.commit(changes, keys: keys)
    }

    func load() async -> StoredState { await memory.load() }
    func run(_ run: String) async -> StoredRun? { await memory.run(run) }
    func log(_ run: String, from number: Int, limit: Int) async -> [LogEntry] {
        await memory.log(run, from: number, limit: limit)
    }
    func seconds(_ run: String, from second: Int, limit: Int) async -> [(Int, Statistics)] {
        await memory.seconds(run, from: second, limit: limit)
    }
    func close() {}
}
