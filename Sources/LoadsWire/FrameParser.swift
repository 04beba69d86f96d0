/// Cuts a stream of bytes into messages: each is four bytes of length, big-endian, and the message.
public struct FrameParser: Sendable {
    private var buffer: [UInt8] = []
    private var place = 0

    /// Nothing has come yet.
    public init() {}

    /// Bytes that no message has been made of yet.
    public var pending: Int { buffer.count - place }

    /// Takes what was read; it may end anywhere in a message.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        // What has been handed out goes before the buffer grows, so that it stays as long as one message.
        if place > 0 {
            buffer.removeSubrange(..<place)
            place = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next complete message, or nil until more bytes come.
    ///
    /// - Throws: ``WireError`` when a message is longer than ``WireLimits/messageBytes``; the stream is lost then.
    public mutating func next() throws(WireError) -> [UInt8]? {
        guard pending >= 4 else { return nil }
        let length = buffer[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= WireLimits.messageBytes else {
            throw WireError(
                code: .tooLarge,
                message: "a message of \(length) bytes: more than \(WireLimits.messageBytes) are not accepted")
        }
        guard pending >= 4 + length else { return nil }
        defer { place += 4 + length }
        return [UInt8](buffer[place + 4..<place + 4 + length])
    }

    /// A message with its length before it.
    public static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        return [UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)] + message
    }
}
