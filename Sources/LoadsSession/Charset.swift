/// Decodes a body to text by its byte order mark, its `Content-Type`, or as UTF-8.
enum Charset: Equatable {
    case utf8, windows1252, latin9, utf16LittleEndian, utf16BigEndian

    /// The charset a `Content-Type` names. Unknown and missing ones are read as UTF-8.
    init(contentType: String?) {
        self = .utf8
        guard let contentType else { return }
        for parameter in contentType.utf8.split(separator: UInt8(ascii: ";")).dropFirst() {
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")),
                Array(parameter[..<equals]).trimmed.equalsIgnoringCase("charset")
            else { continue }
            var value = Array(parameter[parameter.index(after: equals)...]).trimmed
            if value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
                value = value.dropFirst().dropLast()
            }
            switch String(decoding: value, as: UTF8.self).lowercased() {
            // The Encoding standard reads Latin-1 and ASCII as windows-1252: it is what such servers mean.
            case "iso-8859-1", "latin1", "l1", "windows-1252", "cp1252", "us-ascii", "ascii": self = .windows1252
            case "iso-8859-15", "latin-9", "l9": self = .latin9
            case "utf-16", "utf-16le": self = .utf16LittleEndian
            case "utf-16be": self = .utf16BigEndian
            default: break
            }
            return
        }
    }

    static func decode(_ body: [UInt8], contentType: @autoclosure () -> String?) -> String {
        // The mark wins over the header (the Encoding standard's "BOM sniffing").
        if body.starts(with: [0xEF, 0xBB, 0xBF]) { return String(decoding: body[3...], as: UTF8.self) }
        if body.starts(with: [0xFF, 0xFE]) { return utf16(body[2...], bigEndian: false) }
        if body.starts(with: [0xFE, 0xFF]) { return utf16(body[2...], bigEndian: true) }
        switch Charset(contentType: contentType()) {
        case .utf8: return String(decoding: body, as: UTF8.self)
        case .windows1252: return singleByte(body, latin9: false)
        case .latin9: return singleByte(body, latin9: true)
        case .utf16LittleEndian: return utf16(body[...], bigEndian: false)
        case .utf16BigEndian: return utf16(body[...], bigEndian: true)
        }
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, bigEndian: Bool) -> String {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2 + 1)
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(bigEndian ? first << 8 | second : second << 8 | first)
            index += 2
        }
        // Half a unit is a broken text: show it, as the standard says.
        if index < bytes.endIndex { units.append(0xFFFD) }
        return String(decoding: units, as: UTF16.self)
    }

    private static func singleByte(_ bytes: [UInt8], latin9: Bool) -> String {
        var text = ""
        text.reserveCapacity(bytes.count + bytes.count / 8)
        for byte in bytes {
            let scalar: UInt32 =
                if latin9 {
                    latin9Differences[byte] ?? UInt32(byte)
                } else if (0x80...0x9F).contains(byte) {
                    UInt32(windows1252Controls[Int(byte - 0x80)])
                } else {
                    UInt32(byte)
                }
            text.unicodeScalars.append(Unicode.Scalar(scalar) ?? "\u{FFFD}")
        }
        return text
    }

    /// 0x80 to 0x9F; https://encoding.spec.whatwg.org/index-windows-1252.txt
    private static let windows1252Controls: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]

    /// Where ISO-8859-15 is not ISO-8859-1.
    private static let latin9Differences: [UInt8: UInt32] = [
        0xA4: 0x20AC, 0xA6: 0x0160, 0xA8: 0x0161, 0xB4: 0x017D, 0xB8: 0x017E, 0xBC: 0x0152, 0xBD: 0x0153, 0xBE: 0x0178,
    ]
}
