// Placeholders until the codec lands: this file goes away then.
extension AgentMessage {
    public func encoded() -> [UInt8] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
extension MasterMessage {
    public func encoded() -> [UInt8] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
extension ResultMessage {
    public func encoded() -> [UInt8] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
extension ClientRequest {
    public func encoded() -> [UInt8] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
extension ClientAnswer {
    /// One message, or several for a large snapshot.
    public func encoded() -> [[UInt8]] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
extension StreamMessage {
    public func encoded() -> [UInt8] { fatalError("codec") }
    public init(decoding bytes: [UInt8]) throws(WireError) { fatalError("codec") }
}
