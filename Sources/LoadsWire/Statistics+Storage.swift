public import LoadsCore

extension Statistics {
    /// The statistics as bytes to be kept, in the form of the wire's fields.
    public func encoded() -> [UInt8] { Packer.message("statistics") { packFields(into: $0) } }

    /// Reads what ``encoded()`` has written.
    ///
    /// - Throws: ``WireError``, whatever the bytes are.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try Node.withRoot(of: bytes) { root throws(WireError) in
            guard try root.type() == "statistics" else { throw .field("type", "statistics") }
            return try Statistics(root, limit: WireLimits.total)
        }
    }
}
