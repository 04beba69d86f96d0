import CZlib

/// gzip, and deflate in both its forms: RFC 9110 means zlib's, but some servers send raw data.
final class ZlibDecoder: ContentDecoder {
    enum Format { case gzip, deflate }

    private let format: Format
    // On the heap: zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var started = false
    private var ended = false
    /// The first byte of deflate data, held back until the second tells which form it is.
    private var held: [UInt8] = []

    init(_ format: Format) {
        self.format = format
        stream.initialize(to: z_stream())
    }

    deinit {
        if started { inflateEnd(stream) }
        stream.deallocate()
    }

    func decode(_ input: [UInt8], into output: inout [UInt8], limit: Int) throws(DecodingProblem) {
        var input = input
        if !started {
            if !held.isEmpty { input = held + input }
            held = []
            if input.count < 2 {
                held = input
                return
            }
            start(input[0], input[1])
        }
        var consumed = 0
        while consumed < input.count {
            if ended {
                // Another gzip member may follow; anything else is padding, which every browser skips.
                guard format == .gzip, input[consumed] == 0x1F else { return }
                inflateReset(stream)
                ended = false
            }
            consumed = try step(input, from: consumed, into: &output, limit: limit)
        }
    }

    func finish() throws(DecodingProblem) {
        if !ended { throw .broken("the compressed data end too early") }
    }

    private func start(_ first: UInt8, _ second: UInt8) {
        let isZlib = first & 0x0F == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
        let windowBits: Int32 =
            switch format {
            case .gzip: 15 + 16
            case .deflate: isZlib ? 15 : -15
            }
        started = loads_inflate_init(stream, windowBits) == Z_OK
    }

    /// Inflates until the input is used up or a member ends; returns how far it came.
    private func step(
        _ input: [UInt8], from start: Int, into output: inout [UInt8], limit: Int
    ) throws(DecodingProblem) -> Int {
        guard started else { throw .broken("no memory to decompress") }
        var consumed = start
        var status = Z_OK
        var full = false
        repeat {
            try appendDecoded(to: &output, limit: limit) { target in
                input.withUnsafeBufferPointer { source in
                    let available = source.count - consumed
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress! + consumed)
                    stream.pointee.avail_in = UInt32(clamping: available)
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = UInt32(target.count)
                    let offered = Int(stream.pointee.avail_in)
                    status = inflate(stream, Z_NO_FLUSH)
                    consumed += offered - Int(stream.pointee.avail_in)
                    full = stream.pointee.avail_out == 0
                    return target.count - Int(stream.pointee.avail_out)
                }
            }
            if status == Z_STREAM_END {
                ended = true
                return consumed
            }
            // Z_BUF_ERROR only says that nothing could be done without more input.
            guard status == Z_OK || status == Z_BUF_ERROR else { throw .broken("the compressed data are broken") }
        } while full || (consumed < input.count && status == Z_OK)
        return input.count
    }
}
