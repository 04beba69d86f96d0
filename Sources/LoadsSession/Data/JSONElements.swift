/// Finds the elements of a JSON array, or the values of JSON lines, and the lines on which they stand. A pure structure.
///
/// It only follows strings and brackets: what is between them is judged by whoever decodes the element.
struct JSONElements {
    /// One value of the file.
    struct Element: Equatable {
        var range: Range<Int>
        /// On which it begins, from 1.
        var line: Int
    }

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    /// Reads everything.
    static func all(of bytes: [UInt8]) throws(DataProblem) -> [Element] {
        var reader = JSONElements(bytes: bytes)
        return try reader.read()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
    }

    private mutating func read() throws(DataProblem) -> [Element] {
        var elements: [Element] = []
        skipSpace()
        guard take("[") else {
            // One value a line, as in NDJSON.
            while place < bytes.count {
                elements.append(try value())
                skipSpace()
            }
            return elements
        }
        let opening = line
        skipSpace()
        if !take("]") {
            repeat {
                skipSpace()
                elements.append(try value())
                skipSpace()
            } while take(",")
            guard take("]") else {
                throw place == bytes.count
                    ? DataProblem(line: opening, text: "an array that is never closed")
                    : DataProblem(line: line, text: "a comma or the end of the array is missing")
            }
        }
        skipSpace()
        guard place == bytes.count else { throw DataProblem(line: line, text: "text behind the end of the array") }
        return elements
    }

    private mutating func value() throws(DataProblem) -> Element {
        let (start, first) = (place, line)
        var depth = 0
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                try skipString()
                if depth == 0 { return Element(range: start..<place, line: first) }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return try scalar(start, first) }
                depth -= 1
                if depth == 0 {
                    place += 1
                    return Element(range: start..<place, line: first)
                }
            case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                if depth == 0 { return try scalar(start, first) }
            case UInt8(ascii: "\n"):
                if depth == 0 { return try scalar(start, first) }
                line += 1
            default: break
            }
            place += 1
        }
        guard depth == 0 else { throw DataProblem(line: first, text: "a value that is never closed") }
        return try scalar(start, first)
    }

    private func scalar(_ start: Int, _ line: Int) throws(DataProblem) -> Element {
        guard place > start else { throw DataProblem(line: line, text: "a value is missing") }
        return Element(range: start..<place, line: line)
    }

    private mutating func skipString() throws(DataProblem) {
        let first = line
        place += 1
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                place += 1
                return
            case UInt8(ascii: "\\"): place += 1
            case UInt8(ascii: "\n"): throw DataProblem(line: first, text: "a string that is not closed on its line")
            default: break
            }
            place += 1
        }
        throw DataProblem(line: first, text: "a string that is never closed")
    }

    private mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
            default: return
            }
            place += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }
}
