import Glibc

/// What the fields of a response's head say of its body and its connection.
struct ResponseFraming {
    /// The announced length of the body.
    private(set) var length: Int?
    private(set) var isChunked = false
    private(set) var hasClose = false
    private(set) var hasKeepAlive = false

    /// Reads the fields of a head, as ``ResponseParser/head`` has them.
    init(_ fields: UnsafeBufferPointer<UInt8>) throws(ResponseParser.Problem) {
        guard let base = fields.baseAddress, !fields.isEmpty else { return }
        if memchr(base, 0, fields.count) != nil { throw ResponseParser.Problem(reason: "its headers have a NUL byte") }
        var start = 0
        while start < fields.count {
            let found = memchr(base + start, 0x0A, fields.count - start)!
            let newline = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            let next = newline + 1
            defer { start = next }
            // A line that goes on with the one before (obsolete folding): no field that matters here is ever so long.
            if base[start] == 0x20 || base[start] == 0x09 {
                if start > 0 { continue }
                throw ResponseParser.Problem(reason: "its first header begins with a blank")
            }
            guard let mark = memchr(base + start, 0x3A, newline - start) else {
                throw ResponseParser.Problem(reason: "a line of its headers has no colon")
            }
            let colon = UnsafeRawPointer(mark) - UnsafeRawPointer(base)
            guard colon > start else { throw ResponseParser.Problem(reason: "a header has no name") }
            // Length and first letter decide for nearly every field.
            let name = fields[start..<colon]
            let value = fields[(colon + 1)..<newline]
            switch (colon - start, base[start] | 0x20) {
            case (10, 0x63) where name.equalsIgnoringCase("connection"):
                readConnection(value)
            case (14, 0x63) where name.equalsIgnoringCase("content-length"):
                try readLength(value)
            case (17, 0x74) where name.equalsIgnoringCase("transfer-encoding"):
                try readCoding(value)
            default: break
            }
        }
    }

    private mutating func readConnection(_ value: Slice<UnsafeBufferPointer<UInt8>>) {
        Self.eachToken(value) { token in
            if token.equalsIgnoringCase("close") { hasClose = true }
            if token.equalsIgnoringCase("keep-alive") { hasKeepAlive = true }
        }
    }

    /// Calls the body for each word between the commas.
    private static func eachToken(
        _ value: Slice<UnsafeBufferPointer<UInt8>>, _ body: (Slice<UnsafeBufferPointer<UInt8>>) -> Void
    ) {
        var rest = value
        while true {
            let comma = rest.firstIndex(of: 0x2C) ?? rest.endIndex
            body(cleaned(rest[..<comma]))
            if comma == rest.endIndex { return }
            rest = rest[(comma + 1)...]
        }
    }

    /// Without the return before the line's end, and blanks.
    private static func cleaned(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>> {
        (value.last == 0x0D ? value.dropLast() : value).trimmed
    }

    /// Several lengths are no harm while they are equal (RFC 9110, 8.6).
    private mutating func readLength(_ value: Slice<UnsafeBufferPointer<UInt8>>) throws(ResponseParser.Problem) {
        var lengths: [Int?] = []
        Self.eachToken(value) { token in
            var number: Int? = token.isEmpty ? nil : 0
            for byte in token {
                guard byte.isDigit, let sofar = number else {
                    number = nil
                    break
                }
                let (tens, tooLarge) = sofar.multipliedReportingOverflow(by: 10)
                let (sum, over) = tens.addingReportingOverflow(Int(byte - 0x30))
                number = tooLarge || over ? nil : sum
            }
            lengths.append(number)
        }
        for length in lengths {
            guard let length, self.length == nil || self.length == length else {
                throw ResponseParser.Problem(reason: "its Content-Length is no number, or two that differ")
            }
            self.length = length
        }
    }

    private mutating func readCoding(_ value: Slice<UnsafeBufferPointer<UInt8>>) throws(ResponseParser.Problem) {
        var isOther = isChunked
        Self.eachToken(value) { token in
            if token.equalsIgnoringCase("chunked") {
                isOther = isOther || isChunked
                isChunked = true
            } else if !token.isEmpty && !token.equalsIgnoringCase("identity") {
                isOther = true
            }
        }
        if isOther {
            throw ResponseParser.Problem(
                reason: "its Transfer-Encoding is not the one, chunked, that may be used unasked")
        }
    }
}
