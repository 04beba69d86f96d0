import CMsgPack

/// A MessagePack value. Maps have string keys; of equal keys the last counts.
enum WireValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case array([WireValue])
    case map([String: WireValue])

    /// Packs with libmsgpack. Maps are written in the order of their keys: equal values give equal bytes.
    func packed() -> [UInt8] {
        var buffer = msgpack_sbuffer()
        var packer = msgpack_packer()
        return withUnsafeMutablePointer(to: &buffer) { buffer in
            loads_packer_init(&packer, buffer)
            defer { msgpack_sbuffer_destroy(buffer) }
            pack(into: &packer)
            return Array(UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size))
        }
    }

    private func pack(into packer: inout msgpack_packer) {
        switch self {
        case .null: msgpack_pack_nil(&packer)
        case .bool(let value):
            if value { msgpack_pack_true(&packer) } else { msgpack_pack_false(&packer) }
        case .int(let value): msgpack_pack_int64(&packer, value)
        case .double(let value): msgpack_pack_double(&packer, value)
        case .string(let value): Self.pack(value, into: &packer)
        case .bytes(let value):
            msgpack_pack_bin(&packer, value.count)
            _ = value.withUnsafeBytes { msgpack_pack_bin_body(&packer, $0.baseAddress, $0.count) }
        case .array(let values):
            msgpack_pack_array(&packer, values.count)
            for value in values { value.pack(into: &packer) }
        case .map(let entries):
            msgpack_pack_map(&packer, entries.count)
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                Self.pack(key, into: &packer)
                value.pack(into: &packer)
            }
        }
    }

    private static func pack(_ text: String, into packer: inout msgpack_packer) {
        var text = text
        text.withUTF8 { utf8 in
            msgpack_pack_str(&packer, utf8.count)
            if utf8.count > 0 { msgpack_pack_str_body(&packer, utf8.baseAddress, utf8.count) }
        }
    }

    /// Unpacks exactly one value.
    ///
    /// - Throws: ``WireError`` for anything else. Counts and depth are checked before libmsgpack sees the bytes, so that
    ///   a few hostile bytes cannot claim a large amount of memory.
    init(unpacking bytes: [UInt8]) throws(WireError) {
        try WireScan.check(bytes)
        var result = msgpack_unpacked()
        msgpack_unpacked_init(&result)
        defer { msgpack_unpacked_destroy(&result) }
        var offset = 0
        let code = bytes.withUnsafeBytes { raw in
            msgpack_unpack_next(&result, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count, &offset)
        }
        guard code == MSGPACK_UNPACK_SUCCESS, offset == bytes.count else {
            throw WireError("not one MessagePack value")
        }
        self = try withUnsafePointer(to: &result.data) { (object) throws(WireError) in try WireValue(object) }
    }

    private init(_ object: UnsafePointer<msgpack_object>) throws(WireError) {
        switch object.pointee.type {
        case MSGPACK_OBJECT_NIL: self = .null
        case MSGPACK_OBJECT_BOOLEAN: self = .bool(loads_object_bool(object))
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
            guard let value = Int64(exactly: loads_object_uint(object)) else {
                throw WireError("an integer is larger than 2^63 - 1")
            }
            self = .int(value)
        case MSGPACK_OBJECT_NEGATIVE_INTEGER: self = .int(loads_object_int(object))
        case MSGPACK_OBJECT_FLOAT32, MSGPACK_OBJECT_FLOAT64: self = .double(loads_object_double(object))
        case MSGPACK_OBJECT_STR:
            var count = 0
            let start = loads_object_bytes(object, &count)
            self = .string(String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self))
        case MSGPACK_OBJECT_BIN:
            var count = 0
            let start = loads_object_bytes(object, &count)
            self = .bytes(Array(UnsafeRawBufferPointer(start: start, count: count)))
        case MSGPACK_OBJECT_ARRAY:
            var values: [WireValue] = []
            let count = loads_object_count(object)
            values.reserveCapacity(Int(count))
            for index in 0..<count { values.append(try WireValue(loads_object_element(object, index))) }
            self = .array(values)
        case MSGPACK_OBJECT_MAP:
            var entries: [String: WireValue] = [:]
            for index in 0..<loads_object_count(object) {
                guard case .string(let key) = try WireValue(loads_object_key(object, index)) else {
                    throw WireError("a map's key is not a string")
                }
                entries[key] = try WireValue(loads_object_value(object, index))
            }
            self = .map(entries)
        default: throw WireError("a MessagePack extension, which no message has")
        }
    }
}
