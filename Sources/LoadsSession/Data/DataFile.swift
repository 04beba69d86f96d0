internal import FoundationEssentials
internal import Glibc

/// A file of rows, and how it is read.
struct DataFile: Sendable {
    enum Format: Sendable {
        case csv(separator: UInt8)
        case json
    }

    let path: String
    let format: Format

    /// Reads the file as rows of texts.
    func rows() throws(DataError) -> [DataRow] {
        switch format {
        case .csv(let separator):
            let (rows, problems) = try table(separator)
            guard problems.isEmpty else { throw failure(problems) }
            return rows
        case .json:
            return try elements { line, data throws(DataProblem) in
                let fields: [String: Scalar]
                do {
                    fields = try JSONDecoder().decode([String: Scalar].self, from: data)
                } catch {
                    throw DataProblem(line: line, text: JSONCoding.words(for: error))
                }
                let known = fields.filter { $0.value.text != nil }.sorted { $0.key < $1.key }
                return DataRow(
                    columns: DataRow.Columns(file: path, names: known.map(\.key)),
                    values: known.map { $0.value.text! }, line: line)
            }
        }
    }

    /// Reads the file as rows of a type.
    func values<Value: Decodable>(_ type: Value.Type) throws(DataError) -> [Value] {
        switch format {
        case .csv(let separator):
            let (rows, problems) = try table(separator)
            return try gather(rows, besides: problems) { row throws(DataProblem) in
                do {
                    return try DataRowDecoder.decode(row, as: type)
                } catch {
                    throw DataProblem(line: row.line, text: JSONCoding.words(for: error))
                }
            }
        case .json:
            return try elements { line, data throws(DataProblem) in
                do {
                    return try JSONDecoder().decode(type, from: data)
                } catch {
                    throw DataProblem(line: line, text: JSONCoding.words(for: error))
                }
            }
        }
    }

    // MARK: CSV

    /// The rows that have all their fields, and what is wrong with the others.
    private func table(_ separator: UInt8) throws(DataError) -> (rows: [DataRow], problems: [DataProblem]) {
        var reader = CSVReader(try bytes(), separator: separator)
        let columns: DataRow.Columns
        switch reader.next() {
        case nil: throw failure([], "\(path) is empty: its first line must name the columns")
        case .failure(let problem): throw failure([problem])
        case .success(let header):
            var seen: Set<String> = []
            for name in header.fields where !seen.insert(name).inserted {
                throw failure([DataProblem(line: header.line, text: "two columns are named \"\(name)\"")])
            }
            columns = DataRow.Columns(file: path, names: header.fields)
        }
        var rows: [DataRow] = []
        var problems: [DataProblem] = []
        while let next = reader.next() {
            switch next {
            case .failure(let problem): problems.append(problem)
            case .success(let record) where record.fields.count != columns.names.count:
                let count = record.fields.count
                problems.append(
                    DataProblem(
                        line: record.line,
                        text: "\(count) \(count == 1 ? "field" : "fields"), but the header has "
                            + "\(columns.names.count)"))
            case .success(let record):
                rows.append(DataRow(columns: columns, values: record.fields, line: record.line))
            }
        }
        guard !rows.isEmpty || !problems.isEmpty else { throw failure([], "\(path) has no rows, only a header") }
        return (rows, problems)
    }

    // MARK: JSON

    private func elements<Value>(
        _ decode: (_ line: Int, Data) throws(DataProblem) -> Value
    ) throws(DataError) -> [Value] {
        let bytes = try bytes()
        let elements: [JSONElements.Element]
        do {
            elements = try JSONElements.all(of: bytes)
        } catch {
            throw failure([error])
        }
        guard !elements.isEmpty else { throw failure([], "\(path) has no rows") }
        return try gather(elements) { element throws(DataProblem) in
            try decode(element.line, Data(bytes[element.range]))
        }
    }

    /// A value that can stand in a row of texts.
    private struct Scalar: Decodable {
        /// Nil for null.
        let text: String?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                text = nil
            } else if let value = try? container.decode(String.self) {
                text = value
            } else if let value = try? container.decode(Bool.self) {
                text = "\(value)"
            } else if let value = try? container.decode(Int.self) {
                text = "\(value)"
            } else if let value = try? container.decode(Double.self) {
                text = "\(value)"
            } else {
                throw DataRowDecoder.noShape(
                    "a list or an object is no field of a row (name a type to decode it: of: MyType.self)",
                    decoder.codingPath)
            }
        }
    }

    // MARK: Both

    /// Everything that could be made, or all that could not.
    ///
    /// - Parameter found: What is wrong with others.
    private func gather<Element, Value>(
        _ elements: [Element], besides found: [DataProblem] = [], _ make: (Element) throws(DataProblem) -> Value
    ) throws(DataError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        var problems = found
        for element in elements {
            do throws(DataProblem) {
                values.append(try make(element))
            } catch {
                problems.append(error)
            }
        }
        guard problems.isEmpty else { throw failure(problems.sorted { $0.line < $1.line }) }
        return values
    }

    private func failure(_ problems: [DataProblem], _ message: String? = nil) -> DataError {
        var listed = problems.prefix(DataError.problemLimit).map { "\(path):\($0.line): \($0.text)" }
        if problems.count > listed.count { listed.append("… and \(problems.count - listed.count) more") }
        let rows = problems.count == 1 ? "a row is wrong" : "\(problems.count) rows are wrong"
        return DataError(code: .content, message: message ?? "\(path): \(rows)", problems: listed)
    }

    private func bytes() throws(DataError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable() }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    private func unreadable() -> DataError {
        let reason = String(cString: strerror(errno))
        let place = path.hasPrefix("/") ? "" : " in \(FileManager.default.currentDirectoryPath)"
        return DataError(
            code: .file,
            message: "\(path): \(reason)\(place) (a run on agents brings it along with --include \(path))")
    }
}
