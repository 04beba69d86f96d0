/// Undoes a `Content-Encoding`, piece by piece: the whole body at once or the chunks of a stream.
///
/// Used by one task at a time; it wraps the state of a C library.
protocol ContentDecoder: AnyObject {
    /// Decodes the next bytes.
    ///
    /// - Parameter limit: The most bytes that `output` may hold; a small body may decode to any size.
    func decode(_ input: [UInt8], into output: inout [UInt8], limit: Int) throws(DecodingProblem)
    /// Checks that the data ended where the format says.
    func finish() throws(DecodingProblem)
}

enum DecodingProblem: Error {
    /// The data are not what the header says, or end too early.
    case broken(String)
    /// The output would be larger than the limit.
    case tooLarge
}

/// The codings of one `Content-Encoding` field, undone in the reverse order.
final class ContentDecoderChain {
    private let decoders: [any ContentDecoder]

    /// What is asked for in `Accept-Encoding`.
    static let accepted = "gzip, deflate, br, zstd"

    /// - Returns: nil when there is nothing to undo, or a coding that we do not know (the body stays as it is).
    init?(_ field: String) {
        var decoders: [any ContentDecoder] = []
        for part in field.utf8.split(separator: UInt8(ascii: ",")) {
            let coding = Array(part).trimmed
            if coding.equalsIgnoringCase("identity") || coding.isEmpty { continue }
            if coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") {
                decoders.append(ZlibDecoder(.gzip))
            } else if coding.equalsIgnoringCase("deflate") {
                decoders.append(ZlibDecoder(.deflate))
            } else if coding.equalsIgnoringCase("br") {
                decoders.append(BrotliDecoder())
            } else if coding.equalsIgnoringCase("zstd") {
                decoders.append(ZstdDecoder())
            } else {
                return nil
            }
        }
        // More than a few codings are an attack, not a format.
        guard !decoders.isEmpty, decoders.count <= 4 else { return nil }
        self.decoders = decoders.reversed()
    }

    /// Decodes one piece.
    ///
    /// - Parameter limit: The most bytes that this piece may become.
    func decode(_ input: [UInt8], limit: Int) throws(DecodingProblem) -> [UInt8] {
        var bytes = input
        for decoder in decoders {
            var output: [UInt8] = []
            try decoder.decode(bytes, into: &output, limit: limit)
            bytes = output
        }
        return bytes
    }

    func finish() throws(DecodingProblem) {
        for decoder in decoders { try decoder.finish() }
    }

    /// Decodes a whole body.
    func decodeAll(_ body: [UInt8], limit: Int) throws(DecodingProblem) -> [UInt8] {
        // A HEAD or an empty answer may carry the header without the data.
        if body.isEmpty { return [] }
        let output = try decode(body, limit: limit)
        try finish()
        return output
    }
}

/// Grows an array by what a C decoder writes. The block returns how many bytes it wrote.
///
/// - Parameter limit: At most one byte more than this is offered, so that going over shows.
func appendDecoded(
    to output: inout [UInt8], limit: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int
) throws(DecodingProblem) {
    let room = Swift.min(64 << 10, limit - output.count + 1)
    guard room > 0 else { throw .tooLarge }
    let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in count = write(buffer) }
    if output.isEmpty { output = chunk } else { output.append(contentsOf: chunk) }
    if output.count > limit { throw .tooLarge }
}
