/// One row of a feeder's file: texts by the names of the columns.
public struct DataRow: Sendable {
    let columns: Columns
    let values: [String]
    /// Where it stands in the file, from 1.
    public let line: Int

    /// The names of a file's columns, shared by its rows.
    final class Columns: Sendable {
        let file: String
        let names: [String]
        let places: [String: Int]

        init(file: String, names: [String]) {
            self.file = file
            self.names = names
            places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        }
    }

    /// The text in a column.
    ///
    /// - Throws: ``DataError`` when there is no such column.
    public subscript(column: String) -> String {
        get throws(DataError) {
            guard let value = value(column) else {
                throw DataError(
                    code: .field,
                    message: "\(columns.file):\(line): no column \"\(column)\"; there are "
                        + columns.names.map { "\"\($0)\"" }.joined(separator: ", "))
            }
            return value
        }
    }

    /// The text in a column, or nil.
    public func value(_ column: String) -> String? { columns.places[column].map { values[$0] } }

    /// The names of the columns, in the file's order.
    public var names: [String] { columns.names }
}
