import CBrotli

/// Brotli (RFC 7932).
final class BrotliDecoder: ContentDecoder {
    private let state = BrotliDecoderCreateInstance(nil, nil, nil)

    deinit { BrotliDecoderDestroyInstance(state) }

    func decode(_ input: [UInt8], into output: inout [UInt8], limit: Int) throws(DecodingProblem) {
        guard let state else { throw .broken("no memory to decompress") }
        var consumed = 0
        while true {
            var result = BROTLI_DECODER_RESULT_ERROR
            try appendDecoded(to: &output, limit: limit) { target in
                input.withUnsafeBufferPointer { source in
                    var availableIn = source.count - consumed
                    var next = source.baseAddress.map { $0 + consumed }
                    var availableOut = target.count
                    var nextOut = target.baseAddress
                    result = BrotliDecoderDecompressStream(
                        state, &availableIn, &next, &availableOut, &nextOut, nil)
                    consumed = source.count - availableIn
                    return target.count - availableOut
                }
            }
            switch result {
            case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: continue
            case BROTLI_DECODER_RESULT_ERROR: throw .broken("the compressed data are broken")
            default: return
            }
        }
    }

    func finish() throws(DecodingProblem) {
        guard BrotliDecoderIsFinished(state) != 0 else { throw .broken("the compressed data end too early") }
    }
}
