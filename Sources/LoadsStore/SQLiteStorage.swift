internal import GRDB
import Glibc
public import LoadsCore
public import LoadsMaster
public import LoadsWire

/// Keeps runs in a SQLite database in the master's data directory: a master that was killed goes on with exact totals.
///
/// The database grows with names × seconds. A commit is one transaction, made on a thread of its own. Every hit of a run
/// that keeps them is a line of `hits/RUN.ndjson`; its length is part of the transaction, so that none is there twice.
public actor SQLiteStorage: RunStorage {
    private let directory: String
    private let lock: Int32
    private let database: DatabaseQueue
    private let recent = RecentWrites()
    private let limit: Int?

    /// In `hits/RUN.ndjson` of its directory.
    public nonisolated var keepsHits: Bool { true }

    static let fileName = "master.sqlite"
    /// `LOAD`: a database of another program is left alone.
    static let application: Int32 = 0x4c4f_4144
    /// The form of what is written. 2 has all that runs with arrivals, set-ups, steps, checks, metrics and thresholds need, in
    /// fields that 1 knew nothing of: who knows 1 only would drop them.
    static let version: Int32 = 2
    /// The oldest form that is read. What 1 lacks is optional.
    static let oldestVersion: Int32 = 1

    /// Opens the database of a directory, or makes both.
    ///
    /// - Parameter runs: Ended runs that are kept, the last ones; older ones are removed with their hits, now and whenever a run
    ///   has ended. Nil is all.
    /// - Throws: ``LoadsMaster/StorageError`` when another master uses it, or what is there is something else.
    public init(directory: String, runs limit: Int? = nil) throws(StorageError) {
        self.directory = directory
        self.limit = limit
        lock = try Self.lock(directory)
        do throws(StorageError) {
            database = try Self.open("\(directory)/\(Self.fileName)")
        } catch {
            Glibc.close(lock)
            throw error
        }
        // With a full disk there is nothing to be made room with either: the next run's end tries again.
        let old = try? database.write { [recent] database in try forget(database, recent) }
        for run in old ?? [] { hits.remove(run) }
        guard limit != nil else { return }
        let all = try? database.read { database in try String.fetchSet(database, sql: "SELECT id FROM run") }
        if let all { hits.remove(allBut: all) }
    }

    private nonisolated var hits: HitFiles { HitFiles(directory: "\(directory)/hits") }

    private nonisolated func forget(_ database: Database, _ recent: RecentWrites) throws -> [String] {
        guard let limit else { return [] }
        return try StorageWriter(database: database, recent: recent, hits: hits).forget(allBut: limit)
    }

    /// Closes the database and gives up the lock, so that another master can have it.
    public func close() {
        try? database.close()
        Glibc.close(lock)
    }

    // MARK: Writing

    public func commit(_ changes: [RunChanges], keys: [String: String?]) async throws(StorageError) -> [String: Int] {
        let dropped: [String: Int] = try await attempt { [database, recent, hits] in
            do {
                return try await database.write { database in
                    try StorageWriter(database: database, recent: recent, hits: hits).write(changes, keys: keys)
                }
            } catch {
                // What memory takes for stored is not in the database.
                recent.forget()
                throw error
            }
        }
        guard limit != nil, changes.contains(where: { $0.record.isOver }) else { return dropped }
        // By itself: what is stored is stored, also when what is old cannot be removed. The next run's end tries again.
        let old = try? await database.write { [recent] database in try self.forget(database, recent) }
        for run in old ?? [] { hits.remove(run) }
        return dropped
    }

    // MARK: Reading

    public func load() async throws(StorageError) -> StoredState {
        try await attempt { [database] in
            try await database.read { database in try StorageReader(database: database).state() }
        }
    }

    public func run(_ run: String) async throws(StorageError) -> StoredRun? {
        try await attempt { [database] in
            try await database.read { database in try StorageReader(database: database).run(run) }
        }
    }

    public func log(_ run: String, from number: Int, limit: Int) async throws(StorageError) -> [LogEntry] {
        try await attempt { [database] in
            try await database.read { database in
                try StorageReader(database: database).log(run, from: number, limit: limit)
            }
        }
    }

    public func seconds(_ run: String, from second: Int, limit: Int) async throws(StorageError) -> [(Int, Statistics)] {
        try await attempt { [database] in
            try await database.read { database in
                try StorageReader(database: database).seconds(run, from: second, limit: limit)
            }
        }
    }

    public func users(_ run: String, last: Int) async throws(StorageError) -> [(second: Int, users: Int)] {
        try await attempt { [database] in
            try await database.read { database in try StorageReader(database: database).users(run, last: last) }
        }
    }

    private nonisolated func attempt<Result: Sendable>(_ body: @Sendable () async throws -> Result)
        async throws(StorageError) -> Result
    {
        do { return try await body() } catch { throw Self.translate(error, "\(directory)/\(Self.fileName)") }
    }

    // MARK: Opening

    private static func lock(_ directory: String) throws(StorageError) -> Int32 {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw StorageError(
                code: .other,
                message: "the data directory \(directory) cannot be made: \(String(cString: strerror(errno)))")
        }
        let file = Glibc.open("\(directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StorageError(
                code: .other,
                message: "the data directory \(directory) cannot be used: \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(file)
            throw StorageError(
                code: .locked, message: "another master uses \(directory): stop it, or name another --data")
        }
        return file
    }

    private static func open(_ path: String) throws(StorageError) -> DatabaseQueue {
        do {
            makePrivate(path)
            try StorageSchema.look(at: path)
            var configuration = Configuration()
            configuration.journalMode = .wal
            configuration.label = "loads-storage"
            configuration.prepareDatabase { database in
                // An acknowledgement promises that what it covers outlives even a loss of power.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // The agents keep what is not acknowledged; waiting for others to let go makes no sense here.
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 1000")
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.write { database in try StorageSchema.prepare(database, path) }
            // One of an earlier release's may be open to others.
            for suffix in ["", "-wal", "-shm"] { chmod(path + suffix, 0o600) }
            return queue
        } catch {
            throw translate(error, path)
        }
    }

    /// Makes the file, if it is not there, before SQLite does: what runs sent along may be secret, and the files that
    /// SQLite puts beside it get the same mode.
    private static func makePrivate(_ path: String) {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if file >= 0 { Glibc.close(file) }
    }

    static func translate(_ error: any Error, _ path: String) -> StorageError {
        if let error = error as? StorageError { return error }
        if let error = error as? WireError {
            return StorageError(
                code: .foreign, message: "\(path) holds something that cannot be read: \(error.message)")
        }
        guard let error = error as? DatabaseError else {
            return StorageError(code: .other, message: "\(path): \(error)")
        }
        let reason = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR:
            return StorageError(code: .disk, message: "\(path): \(reason): make room on its disk")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return StorageError(
                code: .foreign,
                message: "\(path) is broken, or no database (\(reason)): move it away, or name another --data")
        default: return StorageError(code: .other, message: "\(path): \(reason)")
        }
    }
}
