@testable import LoadsWire

/// A message as anybody sees it: what a reader in another language makes of the bytes.
///
/// Deliberately not the codec under test: it reads and writes MessagePack by itself.
indirect enum Value {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case array([Value])
    case map([(String, Value)])

    init(unpacking bytes: [UInt8]) throws {
        var reader = Reader(bytes: bytes[...])
        self = try reader.value()
        guard reader.bytes.isEmpty else { throw Malformed() }
    }

    struct Malformed: Error {}

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
            guard bytes.count >= count else { throw Malformed() }
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }

        mutating func number(_ width: Int) throws -> UInt64 { try take(width).reduce(0) { $0 << 8 | UInt64($1) } }

        mutating func value() throws -> Value {
            let head = Int(try number(1))
            switch head {
            case 0x00...0x7f: return .int(head)
            case 0xe0...0xff: return .int(head - 256)
            case 0x80...0x8f: return try map(head & 15)
            case 0x90...0x9f: return try array(head & 15)
            case 0xa0...0xbf: return try string(head & 31)
            case 0xc0: return .null
            case 0xc2: return .bool(false)
            case 0xc3: return .bool(true)
            case 0xc4...0xc6: return .bytes(Array(try take(Int(try number(1 << (head - 0xc4))))))
            case 0xd0...0xd3:
                let width = 1 << (head - 0xd0)
                return .int(
                    Int(Int64(bitPattern: try number(width) << UInt64(64 - 8 * width)) >> Int64(64 - 8 * width)))
            case 0xcb: return .double(Double(bitPattern: try number(8)))
            case 0xcc...0xcf: return .int(Int(try number(1 << (head - 0xcc))))
            case 0xd9...0xdb: return try string(Int(try number(1 << (head - 0xd9))))
            case 0xdc, 0xdd: return try array(Int(try number(head == 0xdc ? 2 : 4)))
            case 0xde, 0xdf: return try map(Int(try number(head == 0xde ? 2 : 4)))
            default: throw Malformed()
            }
        }

        mutating func string(_ count: Int) throws -> Value { .string(String(decoding: try take(count), as: UTF8.self)) }
        mutating func array(_ count: Int) throws -> Value { .array(try (0..<count).map { _ in try value() }) }

        mutating func map(_ count: Int) throws -> Value {
            .map(
                try (0..<count).map { _ in
                    guard case .string(let key) = try value() else { throw Malformed() }
                    return (key, try value())
                })
        }
    }

    func packed() -> [UInt8] {
        switch self {
        case .null: return [0xc0]
        case .bool(let flag): return [flag ? 0xc3 : 0xc2]
        case .int(let number):
            switch number {
            case -32..<0: return [UInt8(256 + number)]
            case -128..<0: return [0xd0] + Self.bytes(UInt64(bitPattern: Int64(number)), 1)
            case -32768..<0: return [0xd1] + Self.bytes(UInt64(bitPattern: Int64(number)), 2)
            case -(1 << 31)..<0: return [0xd2] + Self.bytes(UInt64(bitPattern: Int64(number)), 4)
            case ..<0: return [0xd3] + Self.bytes(UInt64(bitPattern: Int64(number)), 8)
            case 0..<128: return [UInt8(number)]
            case 0..<256: return [0xcc, UInt8(number)]
            case 0..<65536: return [0xcd] + Self.bytes(UInt64(number), 2)
            case 0..<(1 << 32): return [0xce] + Self.bytes(UInt64(number), 4)
            default: return [0xcf] + Self.bytes(UInt64(number), 8)
            }
        case .double(let number): return [0xcb] + Self.bytes(number.bitPattern, 8)
        case .string(let text):
            let utf8 = [UInt8](text.utf8)
            return (utf8.count < 32 ? [0xa0 | UInt8(utf8.count)] : [0xd9, UInt8(utf8.count)]) + utf8
        case .bytes(let bytes):
            return (bytes.count < 256 ? [0xc4, UInt8(bytes.count)] : [0xc5] + Self.bytes(UInt64(bytes.count), 2))
                + bytes
        case .array(let values): return [0x90 | UInt8(values.count)] + values.flatMap { $0.packed() }
        case .map(let entries):
            let head: [UInt8] =
                entries.count < 16 ? [0x80 | UInt8(entries.count)] : [0xde] + Self.bytes(UInt64(entries.count), 2)
            return head + entries.flatMap { Value.string($0).packed() + $1.packed() }
        }
    }

    private static func bytes(_ number: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (width - 1 - $0))) }
    }

    func json(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .null: return "null"
        case .bool(let flag): return "\(flag)"
        case .int(let number): return "\(number)"
        case .double(let number): return "\(number)"
        case .string(let text): return "\"\(text.replacing("\"", with: "\\\""))\""
        // JSON has no bytes: hexadecimal digits in an object of their own.
        case .bytes(let bytes):
            let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "{\"hex\": \"\(digits)\"}"
        case .array(let values): return "[\(values.map { $0.json(indent: inner) }.joined(separator: ", "))]"
        case .map(let entries):
            if entries.isEmpty { return "{}" }
            let lines = entries.map { "\(inner)\"\($0)\": \($1.json(indent: inner))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        }
    }
}
