import CZstd

/// Zstandard (RFC 8878).
final class ZstdDecoder: ContentDecoder {
    private let state = ZSTD_createDStream()
    /// 0 at the end of a frame.
    private var expected = 1

    init() {
        // 8 MiB is the window that RFC 9659 allows a server to ask for.
        ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, 23)
    }

    deinit { ZSTD_freeDStream(state) }

    func decode(_ input: [UInt8], into output: inout [UInt8], limit: Int) throws(DecodingProblem) {
        guard let state else { throw .broken("no memory to decompress") }
        var consumed = 0
        var full = false
        while consumed < input.count || full {
            var result = 0
            try appendDecoded(to: &output, limit: limit) { target in
                input.withUnsafeBufferPointer { source in
                    var from = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
                    var to = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    result = ZSTD_decompressStream(state, &to, &from)
                    consumed = from.pos
                    full = to.pos == to.size
                    return to.pos
                }
            }
            if ZSTD_isError(result) != 0 { throw .broken("the compressed data are broken") }
            expected = result
            // A frame that ended has nothing left to flush, even if it filled the buffer exactly.
            if result == 0 { full = false }
        }
    }

    func finish() throws(DecodingProblem) {
        if expected != 0 { throw .broken("the compressed data end too early") }
    }
}
