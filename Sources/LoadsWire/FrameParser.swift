/// Cuts a stream of bytes into messages: each is preceded by its length, four bytes, the highest first.
///
/// A pure structure: bytes in, messages out.
public struct FrameParser: Sendable {
    private var buffer: [UInt8] = []
    private var offset = 0
    /// The longest message, in bytes.
    public static let limit = 256 << 20

    public init() {}

    /// A message with its length before it.
    public static func frame(_ message: [UInt8]) -> [UInt8] {
        let count = UInt32(message.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + 4)
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        bytes.append(contentsOf: message)
        return bytes
    }

    /// Takes bytes as they come.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if offset == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
            offset = 0
        } else if offset > 1 << 16 {
            buffer.removeFirst(offset)
            offset = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message; nil when more bytes are needed.
    public mutating func next() throws(WireError) -> [UInt8]? {
        guard buffer.count - offset >= 4 else { return nil }
        let count = buffer[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        guard count <= Self.limit else { throw WireError("a message of \(count) bytes is longer than \(Self.limit)") }
        guard buffer.count - offset - 4 >= count else { return nil }
        let message = Array(buffer[offset + 4..<offset + 4 + count])
        offset += 4 + count
        return message
    }

    /// Whether the stream ended in the middle of a message.
    public var isIncomplete: Bool { offset < buffer.count }
}
