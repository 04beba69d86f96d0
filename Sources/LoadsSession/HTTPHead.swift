import Glibc
import HTTPTypes

/// A raw header block, read in place: most responses are never asked for their fields.
struct HTTPHead: Sendable {
    let bytes: [UInt8]

    /// What the session itself needs to know of every response.
    struct Essentials {
        var hasSetCookie = false
        var location: Range<Int>?
        var contentEncoding: Range<Int>?
    }

    /// Finds the session's own fields in one pass, without making strings.
    func essentials() -> Essentials {
        var result = Essentials()
        bytes.withUnsafeBufferPointer { buffer in
            Self.eachLine(buffer) { start, colon, end in
                // Length and first letter decide for nearly every field.
                switch (colon - start, buffer[start] | 0x20) {
                case (10, UInt8(ascii: "s")):
                    if buffer[start..<colon].equalsIgnoringCase("set-cookie") { result.hasSetCookie = true }
                case (8, UInt8(ascii: "l")):
                    if buffer[start..<colon].equalsIgnoringCase("location"), result.location == nil {
                        result.location = colon + 1..<end
                    }
                case (16, UInt8(ascii: "c")):
                    if buffer[start..<colon].equalsIgnoringCase("content-encoding") {
                        result.contentEncoding = colon + 1..<end
                    }
                default: break
                }
                return true
            }
        }
        return result
    }

    /// The values of a field, in order.
    ///
    /// - Parameter name: In small letters.
    func values(of name: StaticString) -> [String] {
        var values: [String] = []
        bytes.withUnsafeBufferPointer { buffer in
            Self.eachLine(buffer) { start, colon, end in
                if buffer[start..<colon].equalsIgnoringCase(name) {
                    values.append(String(decoding: buffer[colon + 1..<end].trimmed, as: UTF8.self))
                }
                return true
            }
        }
        return values
    }

    /// Where the first value of a field is.
    ///
    /// - Parameter name: In small letters.
    func range(of name: StaticString) -> Range<Int>? {
        var range: Range<Int>?
        bytes.withUnsafeBufferPointer { buffer in
            Self.eachLine(buffer) { start, colon, end in
                guard colon - start == name.utf8CodeUnitCount, buffer[start..<colon].equalsIgnoringCase(name) else {
                    return true
                }
                range = colon + 1..<end
                return false
            }
        }
        return range
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range].trimmed, as: UTF8.self) }

    /// All fields. A line that is no field is skipped: the engine has judged the response already.
    var fields: HTTPFields {
        var fields = HTTPFields()
        bytes.withUnsafeBufferPointer { buffer in
            Self.eachLine(buffer) { start, colon, end in
                let raw = String(decoding: buffer[start..<colon], as: UTF8.self)
                guard let name = HTTPField.Name(raw) else { return true }
                let value = String(decoding: buffer[colon + 1..<end].trimmed, as: UTF8.self)
                fields.append(HTTPField(name: name, value: value))
                return true
            }
        }
        return fields
    }

    /// Calls the body for each line that has a colon, until it returns false.
    private static func eachLine(
        _ buffer: UnsafeBufferPointer<UInt8>, _ body: (_ start: Int, _ colon: Int, _ end: Int) -> Bool
    ) {
        guard let base = buffer.baseAddress else { return }
        var start = 0
        while start < buffer.count {
            // memchr: most lines are of no interest, and reading them byte by byte would be the dearest part.
            let rest = buffer.count - start
            let newline = memchr(base + start, 0x0A, rest).map { UnsafeRawPointer($0) - UnsafeRawPointer(base) }
            var end = newline ?? buffer.count
            let next = end + 1
            if end > start, buffer[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            if let found = memchr(base + start, 0x3A, end - start) {
                let colon = UnsafeRawPointer(found) - UnsafeRawPointer(base)
                if colon > start, !body(start, colon, end) { return }
            }
            start = next
        }
    }
}
