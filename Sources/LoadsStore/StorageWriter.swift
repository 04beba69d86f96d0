internal import Foundation
internal import GRDB
internal import LoadsCore
internal import LoadsMaster
internal import LoadsWire

/// Writes one transaction.
struct StorageWriter {
    let database: Database
    let recent: RecentWrites
    let hits: HitFiles

    /// - Returns: Hits of each run that could not be kept.
    func write(_ changes: [RunChanges], keys: [String: String?]) throws -> [String: Int] {
        var dropped: [String: Int] = [:]
        for change in changes {
            let lost = try write(change)
            if lost > 0 { dropped[change.record.run] = lost }
        }
        for (agent, key) in keys {
            if let key {
                try run("INSERT OR REPLACE INTO agent_key VALUES (?, ?)", agent, key)
            } else {
                try run("DELETE FROM agent_key WHERE agent = ?", agent)
            }
        }
        return dropped
    }

    /// Removes the runs that ended before the last ones. A set-up or tear-down stays for as long as its run is open: a master that
    /// is started again asks for what came of it.
    ///
    /// - Returns: The runs that are no more; the files with their hits are still there.
    func forget(allBut limit: Int) throws -> [String] {
        let old = try String.fetchAll(
            database,
            sql: """
                SELECT id FROM (SELECT id, record FROM run WHERE NOT open ORDER BY number DESC LIMIT -1 OFFSET ?)
                WHERE coalesce(json_extract(record, '$.parent') NOT IN (SELECT id FROM run WHERE open), 1)
                """, arguments: [limit])
        for id in old {
            for table in ["part", "total", "second", "event"] { try run("DELETE FROM \(table) WHERE run = ?", id) }
            try run("DELETE FROM run WHERE id = ?", id)
        }
        return old
    }

    private func write(_ change: RunChanges) throws -> Int {
        let id = change.record.run
        if recent.record(id) != change.record { try write(change.record) }
        for part in change.parts {
            try run(
                "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)", id, part.agent, part.epoch,
                Int64(bitPattern: part.sequence), part.hits, part.lastData, Data(part.statistics.encoded()))
        }
        if let total = change.total {
            for (name, statistics) in Self.rows(of: total) {
                try run("INSERT OR REPLACE INTO total VALUES (?, ?, ?)", id, name, Data(statistics.encoded()))
            }
        }
        for (second, statistics) in change.seconds {
            for (name, added) in Self.rows(of: statistics) {
                let key = RecentWrites.Key(run: id, second: second, name: name)
                var known = try recent[key] ?? stored(key)
                known.merge(added)
                recent[key] = known
                try run("INSERT OR REPLACE INTO second VALUES (?, ?, ?, ?)", id, second, name, Data(known.encoded()))
            }
        }
        recent.finish(change.record)
        for entry in change.events {
            try run(
                "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?)", id, entry.number, entry.at,
                entry.event.kind, entry.event.text, entry.event.agent)
        }
        guard !change.hits.isEmpty else { return 0 }
        let length = try Int.fetchOne(database, sql: "SELECT hit_bytes FROM run WHERE id = ?", arguments: [id]) ?? 0
        let (written, lost) = hits.append(change.hits.flatMap(\.hits), to: id, at: length)
        if written > 0 { try run("UPDATE run SET hit_bytes = ? WHERE id = ?", length + written, id) }
        return lost
    }

    private func write(_ record: RunRecord) throws {
        let form = String(decoding: try JSONEncoder().encode(RecordForm(record)), as: UTF8.self)
        let submission = Data(ClientRequest(id: 0, ask: .submit(record.submission)).encoded())
        // Among those that are over a run stands where it ended: one that took a day is not the oldest.
        try run(
            """
            INSERT INTO run (id, open, submission, record) VALUES (?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET open = excluded.open, record = excluded.record, number =
                CASE WHEN open AND NOT excluded.open THEN (SELECT max(number) + 1 FROM run) ELSE number END
            """, record.run, !record.isOver, submission, form)
    }

    /// A row for each name, and one for what has no name.
    static func rows(of statistics: Statistics) -> [(name: String, Statistics)] {
        var rest = statistics
        rest.names = [:]
        rest.steps = [:]
        rest.checks = [:]
        rest.metrics = [:]
        func row(_ fill: (inout Statistics) -> Void) -> Statistics {
            var row = Statistics()
            fill(&row)
            return row
        }
        return [("", rest)]
            + statistics.names.map { name, group in (":" + name, row { $0.names[name] = group }) }
            + statistics.steps.map { name, step in ("step:" + name, row { $0.steps[name] = step }) }
            + statistics.checks.map { name, counts in ("check:" + name, row { $0.checks[name] = counts }) }
            + statistics.metrics.map { name, metric in ("metric:" + name, row { $0.metrics[name] = metric }) }
    }

    private func stored(_ key: RecentWrites.Key) throws -> Statistics {
        let data = try Data.fetchOne(
            database, sql: "SELECT statistics FROM second WHERE run = ? AND second = ? AND name = ?",
            arguments: [key.run, key.second, key.name])
        return try data.map { try Statistics(decoding: [UInt8]($0)) } ?? Statistics()
    }

    private func run(_ sql: String, _ arguments: (any DatabaseValueConvertible)?...) throws {
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }
}

/// What was written last, as it is stored: the next commit mostly adds to the same seconds, and the record of a run with
/// a thousand agents, a quarter of a megabyte, is mostly the same.
///
/// Used inside transactions only, of which there is one at a time.
final class RecentWrites: @unchecked Sendable {
    // @unchecked: see above.
    struct Key: Hashable {
        var run: String
        var second: Int
        var name: String
    }

    private var seconds: [String: [Int: [String: Statistics]]] = [:]
    private var records: [String: RunRecord] = [:]

    /// Seconds of a run that are kept.
    private static let limit = 4

    subscript(key: Key) -> Statistics? {
        get { seconds[key.run]?[key.second]?[key.name] }
        set { seconds[key.run, default: [:]][key.second, default: [:]][key.name] = newValue }
    }

    /// A run's record as it is stored; nil when that is not known.
    func record(_ run: String) -> RunRecord? { records[run] }

    /// A run's record is written, and everything that comes with it.
    func finish(_ record: RunRecord) {
        let run = record.run
        records[run] = record.isOver ? nil : record
        guard let known = seconds[run] else { return }
        if record.isOver {
            seconds[run] = nil
        } else if known.count > Self.limit {
            for second in known.keys.sorted().dropLast(Self.limit) { seconds[run]![second] = nil }
        }
    }

    func forget() {
        seconds = [:]
        records = [:]
    }
}
