import CMsgPack
import Glibc

/// Reads one MessagePack object.
enum Unpacker {
    /// Unpacks a message and lends its root, which must not leave the closure.
    static func withRoot<Result>(
        of bytes: [UInt8], limit: Int = WireLimits.messageBytes, _ body: (Node) throws(WireError) -> Result
    ) throws(WireError) -> Result {
        try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
            try Scan.check(buffer, limit: limit)
            var unpacked = msgpack_unpacked()
            defer { msgpack_unpacked_destroy(&unpacked) }
            guard loads_unpack_one(&unpacked, buffer.baseAddress, buffer.count) else {
                throw WireError(code: .malformed, message: "a message is no MessagePack")
            }
            return try body(Node(object: unpacked.data, name: "(message)"))
        }
    }
}

/// An object of a message and the name of the field it is in. Valid inside ``Unpacker/withRoot(of:_:)`` only.
struct Node {
    let object: msgpack_object
    let name: StaticString

    var isNull: Bool { object.type == MSGPACK_OBJECT_NIL }

    func int(in range: ClosedRange<Int> = 0...WireLimits.count) throws(WireError) -> Int {
        let value: Int?
        switch object.type {
        case MSGPACK_OBJECT_POSITIVE_INTEGER: value = Int(exactly: object.via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: value = Int(object.via.i64)
        default: value = nil
        }
        guard let value, range.contains(value) else {
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
    func number() throws(WireError) -> Double {
        let value: Double
        switch object.type {
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: value = object.via.f64
        case MSGPACK_OBJECT_POSITIVE_INTEGER: value = Double(object.via.u64)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: value = Double(object.via.i64)
        default: throw .field(name, "a number")
        }
        guard value.isFinite, value.magnitude <= 1e15 else { throw .field(name, "a number from -1e15 to 1e15") }
        return value
    }

    func bool() throws(WireError) -> Bool {
        guard object.type == MSGPACK_OBJECT_BOOLEAN else { throw .field(name, "true or false") }
        return object.via.boolean
    }

    func string() throws(WireError) -> String {
        guard object.type == MSGPACK_OBJECT_STR else { throw .field(name, "a string") }
        let raw = UnsafeRawBufferPointer(start: object.via.str.ptr, count: Int(object.via.str.size))
        guard let text = String(validating: raw, as: UTF8.self) else { throw .field(name, "a string of UTF-8") }
        return text
    }

    /// The bytes of a `bin`, which live as long as the message does.
    func binary() throws(WireError) -> UnsafeRawBufferPointer {
        guard object.type == MSGPACK_OBJECT_BIN else { throw .field(name, "bytes") }
        return UnsafeRawBufferPointer(start: object.via.bin.ptr, count: Int(object.via.bin.size))
    }

    func strings() throws(WireError) -> [String] {
        var result: [String] = []
        try forEach { node throws(WireError) in result.append(try node.string()) }
        return result
    }

    /// The elements of an array.
    var count: Int {
        get throws(WireError) {
            guard object.type == MSGPACK_OBJECT_ARRAY else { throw .field(name, "an array") }
            return Int(object.via.array.size)
        }
    }

    func forEach(_ body: (Node) throws(WireError) -> Void) throws(WireError) {
        for index in 0..<(try count) { try body(self[index]) }
    }

    /// An element of an array that has it.
    subscript(index: Int) -> Node { Node(object: object.via.array.ptr[index], name: name) }

    // MARK: Maps

    /// A field of a map, or nil where it is missing or null.
    func optional(_ key: StaticString) throws(WireError) -> Node? {
        guard object.type == MSGPACK_OBJECT_MAP else { throw .field(name, "a map") }
        let map = object.via.map
        for index in 0..<Int(map.size) {
            let entry = map.ptr[index]
            guard entry.key.type == MSGPACK_OBJECT_STR, Int(entry.key.via.str.size) == key.utf8CodeUnitCount,
                memcmp(entry.key.via.str.ptr, key.utf8Start, key.utf8CodeUnitCount) == 0
            else { continue }
            let node = Node(object: entry.val, name: key)
            return node.isNull ? nil : node
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
        guard object.type == MSGPACK_OBJECT_MAP else { throw .field(name, "a map") }
        let map = object.via.map
        guard map.size <= limit else {
            throw WireError(code: .tooLarge, message: "message field \(name): more than \(limit) entries")
        }
        for index in 0..<Int(map.size) {
            let entry = map.ptr[index]
            let key = try Node(object: entry.key, name: name).string()
            try body(key, Node(object: entry.val, name: name))
        }
    }
}
