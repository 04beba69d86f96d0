import CMsgPack

/// Writes MessagePack into a growing buffer.
final class Packer {
    private let buffer = UnsafeMutablePointer<msgpack_sbuffer>.allocate(capacity: 1)
    private let packer = UnsafeMutablePointer<msgpack_packer>.allocate(capacity: 1)

    init() {
        msgpack_sbuffer_init(buffer)
        loads_pack_into(packer, buffer)
    }

    deinit {
        msgpack_sbuffer_destroy(buffer)
        buffer.deallocate()
        packer.deallocate()
    }

    var bytes: [UInt8] {
        let data = UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size)
        return [UInt8](data)
    }

    func map(_ count: Int) { msgpack_pack_map(packer, count) }
    func array(_ count: Int) { msgpack_pack_array(packer, count) }
    func null() { msgpack_pack_nil(packer) }
    func int(_ value: Int) { msgpack_pack_int64(packer, Int64(value)) }
    func int(_ value: Int64) { msgpack_pack_int64(packer, value) }
    func int(_ value: UInt64) { msgpack_pack_uint64(packer, value) }
    func double(_ value: Double) { msgpack_pack_double(packer, value) }
    func bool(_ value: Bool) { _ = value ? msgpack_pack_true(packer) : msgpack_pack_false(packer) }

    /// Writes a string, cut to ``WireLimits/stringBytes``.
    func string(_ value: String) {
        var value = value
        if value.utf8.count > WireLimits.stringBytes {
            value = String(decoding: value.utf8.prefix(WireLimits.stringBytes), as: UTF8.self)
        }
        value.withUTF8 { utf8 in
            msgpack_pack_str(packer, utf8.count)
            msgpack_pack_str_body(packer, utf8.baseAddress, utf8.count)
        }
    }

    // MARK: Fields of a map

    func field(_ key: String, _ value: Int) {
        string(key)
        int(value)
    }

    func field(_ key: String, _ value: Int64) {
        string(key)
        int(value)
    }

    func field(_ key: String, _ value: Double) {
        string(key)
        double(value)
    }

    func field(_ key: String, _ value: Bool) {
        string(key)
        bool(value)
    }

    func field(_ key: String, _ value: String) {
        string(key)
        string(value)
    }

    func field(_ key: String, _ values: [String]) {
        string(key)
        array(values.count)
        for value in values { string(value) }
    }
}
