import Glibc

/// Where each object of a MessagePack message begins, in the order of the bytes: what makes a ``Node`` cheap.
///
/// One pass checks the shape and fills the tape, 8 bytes an object. Nothing is allocated for what bytes merely claim: a
/// count is accepted only if the message is long enough for it. A tree of objects, as libmsgpack makes it, would cost
/// several times as much and would have to be checked before, since it allocates an array as long as its header says.
/// Format: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
final class Tape: @unchecked Sendable {
    // @unchecked: written by the initialiser only.

    struct Entry {
        /// Of the object's first byte.
        var offset: UInt32
        /// The entry behind the object and everything in it.
        var next: UInt32
    }

    private(set) var entries: UnsafeMutablePointer<Entry>
    private var count = 0
    private var capacity: Int

    /// - Throws: ``WireError`` unless the bytes are exactly one object within ``WireLimits``.
    init(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int = WireLimits.messageBytes) throws(WireError) {
        capacity = max(64, min(bytes.count, limit) / 4)
        entries = .allocate(capacity: capacity)
        guard bytes.count <= limit else {
            throw WireError(
                code: .tooLarge,
                message: "a message of \(bytes.count) bytes: more than \(limit) are not accepted")
        }
        try scan(bytes)
    }

    deinit { entries.deallocate() }

    private func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
        larger.update(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }

    private func scan(_ bytes: UnsafeBufferPointer<UInt8>) throws(WireError) {
        let end = bytes.count
        var place = 0
        var objects = 1
        // The arrays and maps that are open: their entries, and how many objects are to come after the inner one.
        var outer: [(entry: Int, left: Int)] = []
        outer.reserveCapacity(WireLimits.depth)
        var left = 1
        while true {
            while left == 0 {
                guard let last = outer.popLast() else {
                    guard place == end else {
                        throw WireError(code: .malformed, message: "\(end - place) bytes after the end of a message")
                    }
                    // The end of the last object.
                    if count == capacity { grow() }
                    entries[count] = Entry(offset: UInt32(end), next: 0)
                    return
                }
                entries[last.entry].next = UInt32(count)
                left = last.left
            }
            left -= 1
            guard place < end else { throw Self.cutOff }
            if count == capacity { grow() }
            entries[count] = Entry(offset: UInt32(place), next: UInt32(count + 1))
            count += 1
            let head = bytes[place]
            place += 1
            if head < 0x80 || head >= 0xe0 { continue }

            // How many bytes of a length follow, how many objects or bytes that stands for.
            var inside = -1
            var skip = 0
            switch head {
            case 0x80...0x8f: inside = Int(head & 0x0f) * 2
            case 0x90...0x9f: inside = Int(head & 0x0f)
            case 0xa0...0xbf: skip = Int(head & 0x1f)
            case 0xc0, 0xc2, 0xc3: continue
            case 0xc4, 0xd9: skip = try Self.number(1, bytes, &place)
            case 0xc5, 0xda: skip = try Self.number(2, bytes, &place)
            case 0xc6, 0xdb: skip = try Self.number(4, bytes, &place)
            case 0xc7: skip = try Self.number(1, bytes, &place) + 1
            case 0xc8: skip = try Self.number(2, bytes, &place) + 1
            case 0xc9: skip = try Self.number(4, bytes, &place) + 1
            case 0xcc, 0xd0: skip = 1
            case 0xcd, 0xd1: skip = 2
            case 0xca, 0xce, 0xd2: skip = 4
            case 0xcb, 0xcf, 0xd3: skip = 8
            case 0xd4...0xd8: skip = 1 + 1 << Int(head - 0xd4)
            case 0xdc: inside = try Self.number(2, bytes, &place)
            case 0xdd: inside = try Self.number(4, bytes, &place)
            case 0xde: inside = try Self.number(2, bytes, &place) * 2
            case 0xdf: inside = try Self.number(4, bytes, &place) * 2
            default: throw WireError(code: .malformed, message: "byte \(place - 1) of a message is no MessagePack")
            }
            if inside < 0 {
                guard skip <= end - place else { throw Self.cutOff }
                place += skip
                continue
            }
            guard inside <= end - place else { throw Self.cutOff }
            objects += inside
            guard outer.count < WireLimits.depth, objects <= WireLimits.objects else {
                throw WireError(code: .tooLarge, message: "a message nests too deeply or holds too many objects")
            }
            outer.append((count - 1, left))
            left = inside
        }
    }

    /// Reads a big-endian number of 1, 2 or 4 bytes.
    @inline(__always) private static func number(
        _ width: Int, _ bytes: UnsafeBufferPointer<UInt8>, _ place: inout Int
    ) throws(WireError) -> Int {
        guard width <= bytes.count - place else { throw cutOff }
        var value = 0
        for offset in 0..<width { value = value << 8 | Int(bytes[place + offset]) }
        place += width
        return value
    }

    private static let cutOff = WireError(code: .malformed, message: "a message is cut off")
}
