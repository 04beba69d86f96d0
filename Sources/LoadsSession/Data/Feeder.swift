internal import LoadsCore
internal import Synchronization

/// Rows of a file, given out to the users of a run.
///
/// ```swift
/// struct Login: Decodable { var name, password: String }
/// let logins = Feeder.csv("logins.csv", of: Login.self, .unique())
///
/// @Test func signIn() async throws {
///     let login = try logins.next()
///     …
/// }
/// ```
///
/// Make it once, as a global or static constant: it reads its file at its first row. A relative path is taken from the
/// working directory, which is the package's in `swift test` and under `loads`; on agents it is the run's, into which
/// `--include logins.csv` brings the file. Usable from any task and thread. Outside of a load run there is one user,
/// number 0.
///
/// What is wrong in the file is told by file and line; then, or when a row is missing, the iteration fails and the run ends
/// gracefully.
public final class Feeder<Row: Sendable>: Sendable {
    private let name: String
    private let order: FeederOrder
    private let read: @Sendable () throws(DataError) -> [Row]
    private let loaded = Mutex<Result<[Row], DataError>?>(nil)
    /// Rows given out in sequence. Relaxed: it guards no data.
    private let given = Atomic<Int>(0)

    init(name: String, order: FeederOrder, read: @escaping @Sendable () throws(DataError) -> [Row]) {
        self.name = name
        self.order = order
        self.read = read
    }

    /// Rows that are given out as they are, without a file.
    public convenience init(_ rows: [Row], _ order: FeederOrder = .sequential()) {
        self.init(name: "the feeder", order: order) { () throws(DataError) in
            guard !rows.isEmpty else { throw DataError(code: .content, message: "a feeder without rows") }
            return rows
        }
    }

    /// The next row for the current user, in the feeder's order.
    ///
    /// - Throws: ``DataError``: what is wrong with the file, or that the rows are used up.
    public func next() throws(DataError) -> Row {
        let context = IterationContext.current
        let rows: [Row]
        do throws(DataError) {
            rows = try self.rows()
        } catch {
            // Every further iteration would fail the same way.
            context?.endRun()
            throw error
        }
        switch order.kind {
        case .random: return rows[Int(Self.draw(context).multipliedFullWidth(by: UInt64(rows.count)).high)]
        case .unique:
            let user = context?.user.number ?? 0
            return rows[try place(user, of: rows.count, context) { context?.endUser() }]
        case .sequential:
            let part = context?.user.plan.part ?? Plan.Part()
            let count = given.wrappingAdd(1, ordering: .relaxed).oldValue
            let place = part.index &+ count &* part.count
            return rows[try self.place(place, of: rows.count, context) { context?.endRun() }]
        }
    }

    /// All rows, in the file's order.
    ///
    /// - Throws: ``DataError``: what is wrong with the file.
    public func rows() throws(DataError) -> [Row] {
        try loaded.withLock { loaded in
            if let loaded { return loaded }
            let result: Result<[Row], DataError>
            do throws(DataError) {
                result = .success(try read())
            } catch {
                result = .failure(error)
            }
            loaded = result
            return result
        }
        .get()
    }

    private func place(
        _ number: Int, of count: Int, _ context: IterationContext?, end: () -> Void
    ) throws(DataError) -> Int {
        if number < count { return number }
        switch order.end {
        case .recycle: return number % count
        case .stop:
            end()
            throw DataError(code: .stopped, message: "\(name): all \(count) rows are used up")
        case .fail:
            end()
            throw DataError(
                code: .exhausted, message: "\(name): all \(count) rows are used up (\(order.advice))")
        }
    }

    private static func draw(_ context: IterationContext?) -> UInt64 {
        context?.random() ?? UInt64.random(in: 0 ... .max)
    }
}

extension Feeder where Row == DataRow {
    /// Rows of a file of comma-separated values (RFC 4180, UTF-8), whose first line names the columns.
    public static func csv(
        _ path: String, _ order: FeederOrder = .sequential(), separator: Unicode.Scalar = ","
    ) -> Feeder {
        let file = DataFile(path: path, format: .csv(separator: DataFile.byte(separator)))
        return Feeder(name: path, order: order) { () throws(DataError) in try file.rows() }
    }

    /// Rows of a file with a JSON array of objects, or with one object a line. Their values are texts, numbers, bools or
    /// null; null is as good as missing.
    public static func json(_ path: String, _ order: FeederOrder = .sequential()) -> Feeder {
        let file = DataFile(path: path, format: .json)
        return Feeder(name: path, order: order) { () throws(DataError) in try file.rows() }
    }
}

extension Feeder where Row: Decodable {
    /// Rows of a file of comma-separated values, each decoded as a value with one property a column. An empty field is nil
    /// to an optional property.
    public static func csv(
        _ path: String, of type: Row.Type, _ order: FeederOrder = .sequential(), separator: Unicode.Scalar = ","
    ) -> Feeder {
        let file = DataFile(path: path, format: .csv(separator: DataFile.byte(separator)))
        return Feeder(name: path, order: order) { () throws(DataError) in try file.values(type) }
    }

    /// Rows of a file with a JSON array, or with one value a line, each decoded.
    public static func json(_ path: String, of type: Row.Type, _ order: FeederOrder = .sequential()) -> Feeder {
        let file = DataFile(path: path, format: .json)
        return Feeder(name: path, order: order) { () throws(DataError) in try file.values(type) }
    }
}

extension DataFile {
    fileprivate static func byte(_ separator: Unicode.Scalar) -> UInt8 {
        precondition(
            separator.isASCII && !["\"", "\r", "\n"].contains(separator), "a separator is an ASCII character")
        return UInt8(ascii: separator)
    }
}
