/// Reads one line of JSON (RFC 8259). Pure; nothing is allocated beyond what the line holds.
///
/// Bytes that are no UTF-8 become U+FFFD, and so do halves of surrogate pairs: a hit is not lost for a bad URL.
struct LineJSON {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// - Throws: ``LineFault`` unless the bytes are exactly one value.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(LineFault) -> LineValue {
        var parser = LineJSON(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.place == bytes.count else { throw LineFault("something stands behind the JSON value") }
        return value
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var head: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = head, byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a { place += 1 }
    }

    private mutating func value(depth: Int) throws(LineFault) -> LineValue {
        guard depth < LineLimits.depth else { throw LineFault("it nests too deeply") }
        skipSpace()
        switch head {
        case UInt8(ascii: "{"): return try map(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try number()
        case nil: throw LineFault("it is cut off")
        default: throw LineFault("it is no JSON")
        }
    }

    private mutating func word(_ word: StaticString, _ value: LineValue) throws(LineFault) -> LineValue {
        let end = place + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[place..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw LineFault("it is no JSON") }
        place = end
        return value
    }

    private mutating func map(_ depth: Int) throws(LineFault) -> LineValue {
        place += 1
        var entries: [LineValue.Entry] = []
        skipSpace()
        if head == UInt8(ascii: "}") {
            place += 1
            return .map([])
        }
        entries.reserveCapacity(12)
        while true {
            skipSpace()
            guard head == UInt8(ascii: "\"") else { throw LineFault("it is no JSON") }
            let key = try string()
            skipSpace()
            guard head == UInt8(ascii: ":") else { throw LineFault("it is no JSON") }
            place += 1
            entries.append(.init(key: key, value: try value(depth: depth + 1)))
            guard try goesOn(to: UInt8(ascii: "}")) else { return .map(entries) }
        }
    }

    private mutating func array(_ depth: Int) throws(LineFault) -> LineValue {
        place += 1
        var values: [LineValue] = []
        skipSpace()
        if head == UInt8(ascii: "]") {
            place += 1
            return .array([])
        }
        while true {
            values.append(try value(depth: depth + 1))
            guard try goesOn(to: UInt8(ascii: "]")) else { return .array(values) }
        }
    }

    /// Past a comma, or past the end.
    private mutating func goesOn(to end: UInt8) throws(LineFault) -> Bool {
        skipSpace()
        guard let byte = head else { throw LineFault("it is cut off") }
        place += 1
        if byte == end { return false }
        guard byte == UInt8(ascii: ",") else { throw LineFault("it is no JSON") }
        return true
    }

    // MARK: Strings

    private mutating func string() throws(LineFault) -> String {
        place += 1
        let start = place
        while let byte = head {
            if byte == UInt8(ascii: "\"") {
                defer { place += 1 }
                return String(decoding: bytes[start..<place], as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw LineFault("a string holds a control character") }
            place += 1
        }
        throw LineFault("it is cut off")
    }

    private mutating func escapedString(from start: Int) throws(LineFault) -> String {
        var text = Array(bytes[start..<place])
        while let byte = head {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw LineFault("a string holds a control character")
            default: text.append(byte)
            }
        }
        throw LineFault("it is cut off")
    }

    private mutating func escape(into text: inout [UInt8]) throws(LineFault) {
        guard let byte = head else { throw LineFault("it is cut off") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += Array(String(try unicode()).utf8)
        default: throw LineFault("a string has an unknown escape")
        }
    }

    private mutating func unicode() throws(LineFault) -> Character {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        // The second half of a pair, if it is there; else half a character is none.
        if (0xd800..<0xdc00).contains(first), place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
            bytes[place + 1] == UInt8(ascii: "u")
        {
            let back = place
            place += 2
            let second = try hexadecimal()
            if (0xdc00..<0xe000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
            {
                return Character(scalar)
            }
            place = back
        }
        return "\u{fffd}"
    }

    private mutating func hexadecimal() throws(LineFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = head, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw LineFault("a string has an unknown escape")
            }
            value = value << 4 | UInt32(digit)
            place += 1
        }
        return value
    }

    // MARK: Numbers

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    private mutating func number() throws(LineFault) -> LineValue {
        let start = place
        var mantissa: UInt64 = 0
        var digits = 0
        var decimals = 0
        var isWhole = true
        let negative = head == UInt8(ascii: "-")
        if negative { place += 1 }
        scan: while let byte = head {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                // Past 18 digits the slow way below takes over.
                if digits < 18 { mantissa = mantissa &* 10 &+ UInt64(byte - UInt8(ascii: "0")) }
                digits += 1
                if !isWhole { decimals += 1 }
            case UInt8(ascii: ".") where isWhole: isWhole = false
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
                return .double(try slowNumber(from: start))
            default: break scan
            }
            place += 1
        }
        guard digits > 0 else { throw LineFault("it is no JSON") }
        if digits > 18 { return .double(try slowNumber(from: start)) }
        if isWhole { return .int(negative ? -Int(mantissa) : Int(mantissa)) }
        // Exact: both are whole numbers that a Double holds (Clinger 1990, the fast path of every reader).
        guard mantissa < 1 << 53, decimals < Self.powers.count else { return .double(try slowNumber(from: start)) }
        let value = Double(mantissa) / Self.powers[decimals]
        return .double(negative ? -value : value)
    }

    private mutating func slowNumber(from start: Int) throws(LineFault) -> Double {
        place = start
        while let byte = head, "0123456789+-.eE".utf8.contains(byte) { place += 1 }
        guard let value = Double(String(decoding: bytes[start..<place], as: UTF8.self)), value.isFinite else {
            throw LineFault("a number is none, or too large")
        }
        return value
    }
}
