internal import GRDB
import Glibc
internal import LoadsMaster

/// The tables.
enum StorageSchema {
    /// Makes the tables of a new database, takes over one of an older form, and refuses what is not ours.
    static func prepare(_ database: Database, _ path: String) throws {
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if application == 0, version == 0, tables == 0 {
            try database.execute(sql: tablesSQL)
            try database.execute(sql: "PRAGMA application_id = \(SQLiteStorage.application)")
            try database.execute(sql: "PRAGMA user_version = \(SQLiteStorage.version)")
            return
        }
        try judge(application: application, version: version, path)
        // From now on there may be something in it that an older release does not know.
        if version < SQLiteStorage.version {
            try database.execute(sql: "PRAGMA user_version = \(SQLiteStorage.version)")
        }
    }

    /// Refuses a file that is not ours by its first bytes, before anything of it is changed: to open it as we do changes its
    /// journal (https://www.sqlite.org/fileformat.html, The Database Header).
    static func look(at path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var header = [UInt8](repeating: 0, count: 72)
        guard read(file, &header, header.count) == header.count, header.starts(with: "SQLite format 3\0".utf8) else {
            return
        }
        func number(at offset: Int) -> Int32 {
            Int32(bitPattern: header[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        // The schema's cookie: nothing was made yet, or it lies in the journal only.
        guard number(at: 40) != 0 else { return }
        try judge(application: number(at: 68), version: number(at: 60), path)
    }

    private static func judge(application: Int32, version: Int32, _ path: String) throws {
        guard application == SQLiteStorage.application else {
            throw StorageError(
                code: .foreign,
                message: "\(path) is a database of another program: move it away, or name another --data")
        }
        guard SQLiteStorage.oldestVersion...SQLiteStorage.version ~= version else {
            throw StorageError(
                code: .foreign,
                message: "\(path) was written by another release (format \(version), this one reads "
                    + "\(SQLiteStorage.oldestVersion) to \(SQLiteStorage.version)): use that release, or name another "
                    + "--data")
        }
    }

    // Statistics are MessagePack (`Statistics.encoded()`); a row's name is empty for what has no name; otherwise it is a
    // colon and the name of the hits, with `step`, `check` or `metric` before the colon for those.
    private static let tablesSQL = """
        CREATE TABLE run (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, open INTEGER NOT NULL, submission BLOB NOT NULL,
            record TEXT NOT NULL, hit_bytes INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX open_runs ON run (open) WHERE open;
        CREATE TABLE part (
            run TEXT NOT NULL, agent TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
            hits INTEGER NOT NULL, last_data REAL NOT NULL, statistics BLOB NOT NULL,
            PRIMARY KEY (run, agent, epoch)) WITHOUT ROWID;
        CREATE TABLE total (
            run TEXT NOT NULL, name TEXT NOT NULL, statistics BLOB NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID;
        CREATE TABLE second (
            run TEXT NOT NULL, second INTEGER NOT NULL, name TEXT NOT NULL, statistics BLOB NOT NULL,
            PRIMARY KEY (run, second, name)) WITHOUT ROWID;
        CREATE TABLE event (
            run TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
            agent TEXT, PRIMARY KEY (run, number)) WITHOUT ROWID;
        CREATE TABLE agent_key (agent TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
        """
}
