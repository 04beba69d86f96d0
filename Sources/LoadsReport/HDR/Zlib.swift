internal import CZlib

/// zlib's own format, whole blocks at once.
enum Zlib {
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var size = compressBound(uLong(bytes.count))
        var result = [UInt8](repeating: 0, count: Int(size))
        // With room for the bound nothing but memory can be missing, and Swift ends the process for that.
        guard CZlib.compress(&result, &size, bytes, uLong(bytes.count)) == Z_OK else { return [] }
        result.removeLast(result.count - Int(size))
        return result
    }

    /// - Parameter limit: The most bytes that are accepted: a few bytes can pretend to be gigabytes.
    /// - Returns: Nil for what is not zlib's, is cut off or longer than the limit.
    static func decompress(_ bytes: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: limit)
        var size = uLong(limit)
        let status = bytes.withUnsafeBufferPointer { source in
            uncompress(&result, &size, source.baseAddress, uLong(source.count))
        }
        guard status == Z_OK else { return nil }
        result.removeLast(result.count - Int(size))
        return result
    }
}
