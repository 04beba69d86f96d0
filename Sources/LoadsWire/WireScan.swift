/// Walks over MessagePack bytes without making anything of them: lengths and counts must fit the bytes that are there.
enum WireScan {
    /// The deepest nesting that a message may have.
    static let depthLimit = 24

    static func check(_ bytes: [UInt8]) throws(WireError) {
        // For each open array or map, how many values it still wants.
        var open: [Int] = [1]
        var position = 0
        while let wanted = open.last {
            if wanted == 0 {
                open.removeLast()
                continue
            }
            open[open.count - 1] = wanted - 1
            guard position < bytes.count else { throw WireError("the message ends early") }
            let (size, children) = try item(bytes, position)
            position += size
            guard position <= bytes.count else { throw WireError("the message ends early") }
            // Each child takes at least a byte: a count that the rest cannot hold is a lie.
            guard children <= bytes.count - position else { throw WireError("a count is larger than the message") }
            if children > 0 {
                guard open.count < depthLimit else { throw WireError("nested more than \(depthLimit) deep") }
                open.append(children)
            }
        }
        guard position == bytes.count else { throw WireError("bytes after the end of the message") }
    }

    /// The bytes of an item without its children, and how many children it has.
    private static func item(_ bytes: [UInt8], _ start: Int) throws(WireError) -> (size: Int, children: Int) {
        let tag = bytes[start]
        func number(_ width: Int) throws(WireError) -> Int {
            guard start + width < bytes.count else { throw WireError("the message ends early") }
            var value = 0
            for offset in 1...width { value = value << 8 | Int(bytes[start + offset]) }
            return value
        }
        switch tag {
        case 0x00...0x7f, 0xc0, 0xc2, 0xc3, 0xe0...0xff: return (1, 0)
        case 0x80...0x8f: return (1, 2 * Int(tag & 0x0f))
        case 0x90...0x9f: return (1, Int(tag & 0x0f))
        case 0xa0...0xbf: return (1 + Int(tag & 0x1f), 0)
        case 0xc4, 0xd9: return (2 + (try number(1)), 0)
        case 0xc5, 0xda: return (3 + (try number(2)), 0)
        case 0xc6, 0xdb: return (5 + (try number(4)), 0)
        case 0xca, 0xce, 0xd2: return (5, 0)
        case 0xcb, 0xcf, 0xd3: return (9, 0)
        case 0xcc, 0xd0: return (2, 0)
        case 0xcd, 0xd1: return (3, 0)
        case 0xdc: return (3, try number(2))
        case 0xdd: return (5, try number(4))
        case 0xde: return (3, 2 * (try number(2)))
        case 0xdf: return (5, 2 * (try number(4)))
        default: throw WireError("a MessagePack type that no message has (0x\(String(tag, radix: 16)))")
        }
    }
}
