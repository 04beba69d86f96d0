import Glibc

/// An object of a message and the name of the field it is in. Valid inside ``withRoot(of:limit:_:)`` only.
struct Node {
    private let bytes: UnsafePointer<UInt8>
    private let tape: UnsafePointer<Tape.Entry>
    private let index: Int
    let name: StaticString

    /// Checks the shape of a message and lends its root, which must not leave the closure.
    static func withRoot<Result>(
        of bytes: [UInt8], limit: Int = WireLimits.messageBytes, _ body: (Node) throws(WireError) -> Result
    ) throws(WireError) -> Result {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            let tape = try Tape(buffer, limit: limit)
            return try withExtendedLifetime(tape) { () throws(WireError) in
                try body(Node(root: buffer, tape))
            }
        }
    }

    /// The root of a message whose shape was checked.
    init(root bytes: UnsafeBufferPointer<UInt8>, _ tape: Tape) {
        self.init(bytes: bytes.baseAddress!, tape: tape.entries, index: 0, name: "(message)")
    }

    private init(bytes: UnsafePointer<UInt8>, tape: UnsafePointer<Tape.Entry>, index: Int, name: StaticString) {
        self.bytes = bytes
        self.tape = tape
        self.index = index
        self.name = name
    }

    @inline(__always) private func node(_ index: Int) -> Node {
        Node(bytes: bytes, tape: tape, index: index, name: name)
    }

    private var start: UnsafePointer<UInt8> { bytes + Int(tape[index].offset) }
    private var head: UInt8 { start.pointee }
    private var next: Int { Int(tape[index].next) }

    /// A big-endian number of so many bytes behind the head.
    @inline(__always) private func number(_ width: Int) -> UInt64 {
        var value: UInt64 = 0
        for offset in 1...width { value = value << 8 | UInt64(start[offset]) }
        return value
    }

    /// Where the object is in its message.
    var range: Range<Int> { Int(tape[index].offset)..<Int(tape[next].offset) }

    /// Lends the message that this is a part of.
    func withMessage<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result { body(UnsafeRawPointer(bytes)) }

    /// Where bytes of the message are in it.
    func place(of part: UnsafeRawBufferPointer) -> Range<Int> {
        let offset = part.baseAddress! - UnsafeRawPointer(bytes)
        return offset..<offset + part.count
    }

    var isNull: Bool { head == 0xc0 }

    // MARK: Values

    @inline(__always) private var wholeNumber: Int? {
        let head = self.head
        switch head {
        case 0x00...0x7f: return Int(head)
        case 0xe0...0xff: return Int(head) - 256
        case 0xcc: return Int(start[1])
        case 0xcd: return Int(number(2))
        case 0xce: return Int(number(4))
        case 0xcf: return Int(exactly: number(8))
        case 0xd0: return Int(Int8(truncatingIfNeeded: number(1)))
        case 0xd1: return Int(Int16(truncatingIfNeeded: number(2)))
        case 0xd2: return Int(Int32(truncatingIfNeeded: number(4)))
        case 0xd3: return Int(truncatingIfNeeded: number(8))
        default: return nil
        }
    }

    func int(in range: ClosedRange<Int> = 0...WireLimits.count) throws(WireError) -> Int {
        guard let value = wholeNumber, range.contains(value) else {
            throw .field(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A finite number of at least 0; whole ones are accepted.
    func double(to limit: Double = 1e15) throws(WireError) -> Double {
        let value = try number()
        guard value >= 0, value <= limit else { throw .field(name, "a number from 0 to \(limit)") }
        return value
    }

    /// A finite number; whole ones are accepted.
    func number(to limit: Double = 1e15) throws(WireError) -> Double {
        let value: Double
        switch head {
        case 0xca: value = Double(Float(bitPattern: UInt32(number(4))))
        case 0xcb: value = Double(bitPattern: number(8))
        default:
            guard let whole = wholeNumber else { throw .field(name, "a number") }
            value = Double(whole)
        }
        // What is no number compares as false.
        guard value.magnitude <= limit else { throw .field(name, "a number from -\(limit) to \(limit)") }
        return value
    }

    func bool() throws(WireError) -> Bool {
        guard head == 0xc2 || head == 0xc3 else { throw .field(name, "true or false") }
        return head == 0xc3
    }

    /// The bytes of a string; nil if it is none.
    private var utf8: UnsafeRawBufferPointer? {
        switch head {
        case 0xa0...0xbf: UnsafeRawBufferPointer(start: start + 1, count: Int(head & 0x1f))
        case 0xd9: UnsafeRawBufferPointer(start: start + 2, count: Int(number(1)))
        case 0xda: UnsafeRawBufferPointer(start: start + 3, count: Int(number(2)))
        case 0xdb: UnsafeRawBufferPointer(start: start + 5, count: Int(number(4)))
        default: nil
        }
    }

    func string() throws(WireError) -> String {
        guard let utf8 else { throw .field(name, "a string") }
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .field(name, "a string of UTF-8") }
        return text
    }

    /// The bytes of a `bin`, which live as long as the message does.
    func binary() throws(WireError) -> UnsafeRawBufferPointer {
        switch head {
        case 0xc4: return UnsafeRawBufferPointer(start: start + 2, count: Int(number(1)))
        case 0xc5: return UnsafeRawBufferPointer(start: start + 3, count: Int(number(2)))
        case 0xc6: return UnsafeRawBufferPointer(start: start + 5, count: Int(number(4)))
        default: throw .field(name, "bytes")
        }
    }

    // MARK: Arrays

    /// The elements of an array.
    var count: Int {
        get throws(WireError) {
            switch head {
            case 0x90...0x9f: return Int(head & 0x0f)
            case 0xdc: return Int(number(2))
            case 0xdd: return Int(number(4))
            default: throw .field(name, "an array")
            }
        }
    }

    func eachElement(_ body: (Node) throws(WireError) -> Void) throws(WireError) {
        var place = index + 1
        for _ in 0..<(try count) {
            let element = node(place)
            try body(element)
            place = element.next
        }
    }

    /// The elements of an array that holds neither arrays nor maps, each at hand.
    var flat: FlatArray {
        get throws(WireError) {
            let count = try self.count
            guard next == index + 1 + count else { throw .field(name, "an array of plain values") }
            return FlatArray(first: node(index + 1), count: count)
        }
    }

    struct FlatArray {
        fileprivate let first: Node
        let count: Int

        @inline(__always) subscript(place: Int) -> Node {
            precondition(place >= 0 && place < count)
            return first.node(first.index + place)
        }
    }

    func strings() throws(WireError) -> [String] {
        var result: [String] = []
        try eachElement { node throws(WireError) in result.append(try node.string()) }
        return result
    }

    // MARK: Maps

    private var entryCount: Int {
        get throws(WireError) {
            switch head {
            case 0x80...0x8f: return Int(head & 0x0f)
            case 0xde: return Int(number(2))
            case 0xdf: return Int(number(4))
            default: throw .field(name, "a map")
            }
        }
    }

    /// A field of a map, or nil where it is missing or null.
    func optional(_ key: StaticString) throws(WireError) -> Node? {
        var place = index + 1
        for _ in 0..<(try entryCount) {
            let entry = node(place)
            let value = entry.next
            if let utf8 = entry.utf8, utf8.count == key.utf8CodeUnitCount,
                memcmp(utf8.baseAddress!, key.utf8Start, utf8.count) == 0
            {
                let node = Node(bytes: bytes, tape: tape, index: value, name: key)
                return node.isNull ? nil : node
            }
            place = node(value).next
        }
        return nil
    }

    func field(_ key: StaticString) throws(WireError) -> Node {
        guard let node = try optional(key) else { throw .field(key, "there") }
        return node
    }

    /// Calls a closure for each entry of a map with string keys.
    func forEachEntry(
        limit: Int = WireLimits.groups, _ body: (String, Node) throws(WireError) -> Void
    ) throws(WireError) {
        let count = try entryCount
        guard count <= limit else {
            throw WireError(code: .tooLarge, message: "message field \(name): more than \(limit) entries")
        }
        var place = index + 1
        for _ in 0..<count {
            let key = node(place)
            let value = node(key.next)
            try body(try key.string(), value)
            place = value.next
        }
    }
}
