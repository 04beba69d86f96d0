/// Reads comma-separated values after RFC 4180. A pure structure.
///
/// Fields are separated by one character; one in quotation marks may hold it, line breaks, and quotation marks doubled.
/// Lines end with LF or CRLF. A line without anything on it is passed over.
struct CSVReader {
    /// One record and the line on which it begins, from 1.
    struct Record: Equatable {
        var fields: [String]
        var line: Int
    }

    private let bytes: [UInt8]
    private let separator: UInt8
    private var place = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8], separator: UInt8 = UInt8(ascii: ",")) {
        self.bytes = bytes
        self.separator = separator
        // The mark that some programs put in front of UTF-8.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
    }

    /// The next record, what is wrong with it, or nil at the end. After a problem it goes on with the next line.
    mutating func next() -> Result<Record, DataProblem>? {
        while place < bytes.count, skipLineEnd() {}
        guard place < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        do throws(DataProblem) {
            repeat { fields.append(try field()) } while skip(separator)
            guard place == bytes.count || skipLineEnd() else {
                throw DataProblem(line: line, text: "text behind the closing quotation mark of a field")
            }
            return .success(Record(fields: fields, line: start))
        } catch {
            while place < bytes.count, bytes[place] != Self.lineFeed { place += 1 }
            return .failure(error)
        }
    }

    private mutating func field() throws(DataProblem) -> String {
        if place < bytes.count, bytes[place] == Self.quote { return try quoted() }
        let start = place
        while place < bytes.count, bytes[place] != separator, !isLineEnd {
            guard bytes[place] != Self.quote else {
                throw DataProblem(
                    line: line, text: "a quotation mark inside a field: put the whole field in some, and double it")
            }
            place += 1
        }
        return try text(bytes[start..<place])
    }

    private mutating func quoted() throws(DataProblem) -> String {
        let start = line
        var content: [UInt8] = []
        place += 1
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == Self.quote {
                guard place < bytes.count, bytes[place] == Self.quote else { return try text(content[...]) }
                place += 1
            } else if byte == Self.lineFeed {
                line += 1
            }
            content.append(byte)
        }
        throw DataProblem(line: start, text: "a quotation mark that is never closed")
    }

    private func text(_ bytes: ArraySlice<UInt8>) throws(DataProblem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DataProblem(line: line, text: "not UTF-8")
        }
        return text
    }

    private var isLineEnd: Bool {
        bytes[place] == Self.lineFeed
            || bytes[place] == Self.carriageReturn
                && (place + 1 == bytes.count || bytes[place + 1] == Self.lineFeed)
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    private mutating func skipLineEnd() -> Bool {
        guard isLineEnd else { return false }
        _ = skip(Self.carriageReturn)
        _ = skip(Self.lineFeed)
        line += 1
        return true
    }
}

/// What is wrong with a line of a file.
struct DataProblem: Error, Equatable {
    /// From 1.
    var line: Int
    var text: String
}
