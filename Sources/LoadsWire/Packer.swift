import CMsgPack
import Glibc

/// Writes MessagePack into a growing buffer.
final class Packer {
    private let buffer = UnsafeMutablePointer<msgpack_sbuffer>.allocate(capacity: 1)
    private let packer = UnsafeMutablePointer<msgpack_packer>.allocate(capacity: 1)
    /// Entries so far of the maps that are being written.
    private var open: [Int] = []

    init() {
        msgpack_sbuffer_init(buffer)
        loads_pack_into(packer, buffer)
    }

    deinit {
        msgpack_sbuffer_destroy(buffer)
        buffer.deallocate()
        packer.deallocate()
    }

    /// A message: a map that begins with the version and its type.
    static func message(_ type: String, _ fields: (Packer) -> Void = { _ in }) -> [UInt8] {
        let packer = Packer()
        packer.map {
            packer.field("v", WireLimits.version)
            packer.field("type", type)
            fields(packer)
        }
        return packer.bytes
    }

    var bytes: [UInt8] {
        let data = UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size)
        return [UInt8](data)
    }

    func array(_ count: Int) { msgpack_pack_array(packer, count) }
    func null() { msgpack_pack_nil(packer) }
    func int(_ value: Int) { msgpack_pack_int64(packer, Int64(value)) }
    func int(_ value: Int64) { msgpack_pack_int64(packer, value) }
    func double(_ value: Double) { msgpack_pack_double(packer, value) }
    func bool(_ value: Bool) { _ = value ? msgpack_pack_true(packer) : msgpack_pack_false(packer) }

    /// Writes text, cut to ``WireLimits/stringBytes``.
    func string(_ value: String) {
        if value.utf8.count > WireLimits.stringBytes {
            var cut = Array(value.utf8.prefix(WireLimits.stringBytes + 1))
            // Between two characters: half of one would be replaced by something longer.
            repeat {
                cut.removeLast()
            } while value.utf8[value.utf8.index(value.utf8.startIndex, offsetBy: cut.count)] & 0xc0 == 0x80
            exact(String(decoding: cut, as: UTF8.self))
        } else {
            exact(value)
        }
    }

    /// Writes a string that must not be cut: what a program is started with.
    func exact(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            msgpack_pack_str(packer, utf8.count)
            msgpack_pack_str_body(packer, utf8.baseAddress, utf8.count)
        }
    }

    func binary(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            msgpack_pack_bin(packer, bytes.count)
            msgpack_pack_bin_body(packer, bytes.baseAddress, bytes.count)
        }
    }

    /// Writes MessagePack as it is: one object.
    func raw(_ bytes: UnsafeRawBufferPointer) {
        _ = msgpack_sbuffer_write(buffer, bytes.baseAddress, bytes.count)
    }

    // MARK: Maps

    /// Writes a map of the entries that the closure writes, each by one ``key(_:)`` and one value, or one `field`.
    func map(_ entries: () -> Void) {
        let head = buffer.pointee.size
        // The count is known afterwards: one byte is enough for most maps.
        msgpack_pack_map(packer, 0)
        open.append(0)
        entries()
        let count = open.removeLast()
        if count < 16 {
            buffer.pointee.data[head] = CChar(bitPattern: UInt8(0x80 | count))
            return
        }
        let body = buffer.pointee.size
        msgpack_pack_map(packer, count)
        var long = [CChar](UnsafeBufferPointer(start: buffer.pointee.data + body, count: buffer.pointee.size - body))
        let data = buffer.pointee.data!
        memmove(data + head + long.count, data + head + 1, body - head - 1)
        memcpy(data + head, &long, long.count)
        buffer.pointee.size = body - 1 + long.count
    }

    func key(_ key: String) {
        open[open.count - 1] += 1
        string(key)
    }

    func field(_ key: String, _ value: Int) {
        self.key(key)
        int(value)
    }

    func field(_ key: String, _ value: Int64) {
        self.key(key)
        int(value)
    }

    func field(_ key: String, _ value: UInt64) {
        self.key(key)
        msgpack_pack_uint64(packer, value)
    }

    func field(_ key: String, _ value: Double) {
        self.key(key)
        double(value)
    }

    func field(_ key: String, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    func field(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }

    func field(_ key: String, _ value: [UInt8]) {
        self.key(key)
        binary(value)
    }

    func field(_ key: String, _ values: [String]) {
        self.key(key)
        array(values.count)
        for value in values { string(value) }
    }

    func field(_ key: String, _ entries: [String: String]) {
        self.key(key)
        map { for (key, value) in entries.sorted(by: { $0.key < $1.key }) { field(key, value) } }
    }

    func field(_ key: String, map entries: () -> Void) {
        self.key(key)
        map(entries)
    }

    /// An array of maps.
    func field<Element>(_ key: String, each list: [Element], _ entries: (Element) -> Void) {
        self.key(key)
        array(list.count)
        for element in list { map { entries(element) } }
    }
}
