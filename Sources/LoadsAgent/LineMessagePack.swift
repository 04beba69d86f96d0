/// Reads MessagePack maps that stand one after the other. Pure; counts are not believed before their bytes are there.
///
/// Format: <https://github.com/msgpack/msgpack/blob/master/spec.md>. Binary data and extensions read as null.
struct LineMessagePack {
    private let bytes: UnsafeRawBufferPointer
    private var place: Int

    /// What reading one value came to.
    enum Outcome {
        case value(LineValue, end: Int)
        /// Its end is not there yet.
        case incomplete
    }

    /// Reads the value at a place.
    ///
    /// - Throws: ``LineFault`` when it is no MessagePack: where the next one begins cannot be told any more.
    static func parse(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(LineFault) -> Outcome {
        var parser = LineMessagePack(bytes: bytes, place: place)
        guard let value = try parser.value(depth: 0) else { return .incomplete }
        return .value(value, end: parser.place)
    }

    /// Nil when there are not as many bytes.
    private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count <= bytes.count - place else { return nil }
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    }

    private mutating func unsigned(_ width: Int) -> UInt64? {
        take(width)?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func length(_ width: Int) throws(LineFault) -> Int? {
        guard let value = unsigned(width) else { return nil }
        guard value <= LineLimits.recordBytes else { throw LineFault("a map is too long") }
        return Int(value)
    }

    private mutating func value(depth: Int) throws(LineFault) -> LineValue? {
        guard depth < LineLimits.depth else { throw LineFault("it nests too deeply") }
        guard let head = take(1)?[0] else { return nil }
        switch head {
        case 0x00...0x7f: return .int(Int(head))
        case 0xe0...0xff: return .int(Int(Int8(bitPattern: head)))
        case 0x80...0x8f: return try map(Int(head & 0x0f), depth)
        case 0x90...0x9f: return try array(Int(head & 0x0f), depth)
        case 0xa0...0xbf: return text(Int(head & 0x1f))
        case 0xc0: return .null
        case 0xc2: return .bool(false)
        case 0xc3: return .bool(true)
        case 0xc4...0xc6: return try length(1 << (head - 0xc4)).flatMap { take($0) == nil ? nil : .null }
        case 0xc7...0xc9: return try length(1 << (head - 0xc7)).flatMap { take($0 + 1) == nil ? nil : .null }
        case 0xd4...0xd8: return take(1 + 1 << (head - 0xd4)) == nil ? nil : .null
        case 0xca: return unsigned(4).map { .double(Double(Float(bitPattern: UInt32($0)))) }
        case 0xcb: return unsigned(8).map { .double(Double(bitPattern: $0)) }
        case 0xcc...0xcf:
            return unsigned(1 << (head - 0xcc)).map { Int(exactly: $0).map(LineValue.int) ?? .double(Double($0)) }
        case 0xd0...0xd3:
            let width = 1 << (head - 0xd0)
            return unsigned(width).map { .int(Int(truncatingIfNeeded: $0 << (64 - 8 * width)) >> (64 - 8 * width)) }
        case 0xd9...0xdb: return try length(1 << (head - 0xd9)).flatMap { text($0) }
        case 0xdc, 0xdd:
            return try length(head == 0xdc ? 2 : 4).flatMap2 { count throws(LineFault) in
                try array(count, depth)
            }
        case 0xde, 0xdf:
            return try length(head == 0xde ? 2 : 4).flatMap2 { count throws(LineFault) in
                try map(count, depth)
            }
        default: throw LineFault("it is no MessagePack")
        }
    }

    private mutating func text(_ count: Int) -> LineValue? {
        take(count).map { .string(String(decoding: $0, as: UTF8.self)) }
    }

    private mutating func array(_ count: Int, _ depth: Int) throws(LineFault) -> LineValue? {
        var values: [LineValue] = []
        for _ in 0..<count {
            guard let value = try value(depth: depth + 1) else { return nil }
            values.append(value)
        }
        return .array(values)
    }

    private mutating func map(_ count: Int, _ depth: Int) throws(LineFault) -> LineValue? {
        var entries: [LineValue.Entry] = []
        for _ in 0..<count {
            guard let key = try value(depth: depth + 1), let value = try value(depth: depth + 1) else { return nil }
            // A key that is no string is nobody's field.
            if case .string(let name) = key { entries.append(.init(key: name, value: value)) }
        }
        return .map(entries)
    }
}

extension Optional {
    /// `flatMap` with a typed error.
    fileprivate func flatMap2<Result>(
        _ body: (Wrapped) throws(LineFault) -> Result?
    ) throws(LineFault) -> Result? {
        guard let self else { return nil }
        return try body(self)
    }
}
