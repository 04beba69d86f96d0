/// Checks the shape of MessagePack bytes without allocating for what they claim.
///
/// libmsgpack allocates an array as long as its header says before it has seen one element: five bytes could ask for
/// gigabytes. After this pass every count is known to be backed by bytes.
/// Format: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
struct Scan {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0
    private var objects = 0
    /// Objects still to come at each level.
    private var open: [Int] = [1]

    /// - Throws: ``WireError`` unless the bytes are exactly one object within ``WireLimits``.
    static func check(
        _ bytes: UnsafeBufferPointer<UInt8>, limit: Int = WireLimits.messageBytes
    ) throws(WireError) {
        guard bytes.count <= limit else {
            throw WireError(
                code: .tooLarge,
                message: "a message of \(bytes.count) bytes: more than \(limit) are not accepted")
        }
        var scan = Scan(bytes: bytes)
        try scan.run()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func run() throws(WireError) {
        while let left = open.last {
            if left == 0 {
                open.removeLast()
                continue
            }
            open[open.count - 1] = left - 1
            try object()
        }
        guard place == bytes.count else {
            throw WireError(code: .malformed, message: "\(bytes.count - place) bytes after the end of a message")
        }
    }

    private mutating func object() throws(WireError) {
        let head = try Int(number(1))
        switch head {
        case 0x00...0x7f, 0xe0...0xff, 0xc0, 0xc2, 0xc3: break
        case 0x80...0x8f: try enter((head & 0x0f) * 2)
        case 0x90...0x9f: try enter(head & 0x0f)
        case 0xa0...0xbf: try skip(head & 0x1f)
        case 0xc4, 0xd9: try skip(number(1))
        case 0xc5, 0xda: try skip(number(2))
        case 0xc6, 0xdb: try skip(number(4))
        case 0xc7: try skip(number(1) + 1)
        case 0xc8: try skip(number(2) + 1)
        case 0xc9: try skip(number(4) + 1)
        case 0xca, 0xce, 0xd2: try skip(4)
        case 0xcb, 0xcf, 0xd3: try skip(8)
        case 0xcc, 0xd0: try skip(1)
        case 0xcd, 0xd1: try skip(2)
        case 0xd4...0xd8: try skip(1 + 1 << (head - 0xd4))
        case 0xdc: try enter(number(2))
        case 0xdd: try enter(number(4))
        case 0xde: try enter(number(2) * 2)
        case 0xdf: try enter(number(4) * 2)
        default: throw WireError(code: .malformed, message: "byte \(place - 1) of a message is no MessagePack")
        }
    }

    private mutating func enter(_ count: Int) throws(WireError) {
        guard count <= bytes.count - place else { throw Self.cutOff }
        objects += count
        guard open.count < WireLimits.depth, objects <= WireLimits.objects else {
            throw WireError(code: .tooLarge, message: "a message nests too deeply or holds too many objects")
        }
        open.append(count)
    }

    private mutating func skip(_ count: Int) throws(WireError) {
        guard count <= bytes.count - place else { throw Self.cutOff }
        place += count
    }

    /// Reads a big-endian number of 1, 2 or 4 bytes.
    private mutating func number(_ width: Int) throws(WireError) -> Int {
        guard width <= bytes.count - place else { throw Self.cutOff }
        var value = 0
        for offset in 0..<width { value = value << 8 | Int(bytes[place + offset]) }
        place += width
        return value
    }

    private static let cutOff = WireError(code: .malformed, message: "a message is cut off")
}
