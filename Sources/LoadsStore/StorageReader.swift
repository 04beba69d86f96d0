internal import Foundation
internal import GRDB
internal import LoadsCore
internal import LoadsMaster
internal import LoadsWire

/// Reads what is stored.
struct StorageReader {
    let database: Database

    /// Runs of the history that are told of.
    private static let historyLimit = 1000

    func state() throws -> StoredState {
        var state = StoredState()
        for id in try String.fetchAll(database, sql: "SELECT id FROM run WHERE open ORDER BY number") {
            if let run = try run(id) { state.open.append(run) }
        }
        let over = try String.fetchAll(
            database, sql: "SELECT id FROM run WHERE NOT open ORDER BY number DESC LIMIT ?",
            arguments: [Self.historyLimit])
        for id in over.reversed() {
            if let run = try run(id) {
                state.history.append(run.record.status(run.total, elapsed: run.record.duration))
            }
        }
        for row in try Row.fetchAll(database, sql: "SELECT agent, key FROM agent_key") {
            state.keys[row["agent"]] = row["key"]
        }
        return state
    }

    func run(_ id: String) throws -> StoredRun? {
        let row = try Row.fetchOne(database, sql: "SELECT record, submission FROM run WHERE id = ?", arguments: [id])
        guard let row else { return nil }
        let form = try JSONDecoder().decode(RecordForm.self, from: Data((row["record"] as String).utf8))
        var stored = StoredRun(record: try form.record([UInt8](row["submission"] as Data)))
        for row in try Row.fetchAll(database, sql: "SELECT statistics FROM total WHERE run = ?", arguments: [id]) {
            try stored.total.add(Statistics(decoding: [UInt8](row["statistics"] as Data)))
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM part WHERE run = ?", arguments: [id]) {
            stored.parts.append(
                StoredPart(
                    agent: row["agent"], epoch: row["epoch"], sequence: UInt64(bitPattern: row["sequence"] as Int64),
                    hits: row["hits"], lastData: row["last_data"],
                    statistics: try Statistics(decoding: [UInt8](row["statistics"] as Data))))
        }
        return stored
    }

    func log(_ run: String, from number: Int, limit: Int) throws -> [LogEntry] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM event WHERE run = ? AND number >= ? ORDER BY number LIMIT ?",
            arguments: [run, number, limit]
        )
        .map { row in
            LogEntry(
                number: row["number"], at: row["at"],
                event: RunEvent(kind: row["kind"], text: row["text"], agent: row["agent"]))
        }
    }

    func seconds(_ run: String, from second: Int, limit: Int) throws -> [(Int, Statistics)] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT second, statistics FROM second WHERE run = ? AND second IN (
                    SELECT DISTINCT second FROM second WHERE run = ? AND second >= ? ORDER BY second LIMIT ?)
                ORDER BY second
                """, arguments: [run, run, second, limit])
        var seconds: [(Int, Statistics)] = []
        for row in rows {
            let second: Int = row["second"]
            if seconds.last?.0 != second { seconds.append((second, Statistics())) }
            try seconds[seconds.count - 1].1.add(Statistics(decoding: [UInt8](row["statistics"] as Data)))
        }
        return seconds
    }

    func users(_ run: String, last: Int) throws -> [(second: Int, users: Int)] {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT second, statistics FROM second WHERE run = ? AND name = '' ORDER BY second DESC LIMIT ?",
            arguments: [run, last])
        return try rows.reversed().map { row in
            (row["second"], try Statistics(decoding: [UInt8](row["statistics"] as Data)).users)
        }
    }
}

extension Statistics {
    /// Adds a row: a name, or all that has none.
    mutating func add(_ row: Statistics) {
        var row = row
        if row.names.isEmpty, row.steps.isEmpty, row.checks.isEmpty, row.metrics.isEmpty {
            swap(&row, &self)
        }
        names.merge(row.names) { $1 }
        steps.merge(row.steps) { $1 }
        checks.merge(row.checks) { $1 }
        metrics.merge(row.metrics) { $1 }
    }
}
