import CLinux

/// Questions about ASCII in raw bytes, as header fields and URLs ask them.
extension UInt8 {
    /// An ASCII letter made small; any other byte as it is.
    @inline(__always) var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
    var isDigit: Bool { self &- 0x30 < 10 }
    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

    /// The value of a hexadecimal digit.
    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

extension Collection where Element == UInt8 {
    /// Whether the bytes are this text, ASCII letters compared without case. `lowercase` must be small already.
    func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        var expected = lowercase.utf8Start
        for byte in self {
            if byte.lowercased != expected.pointee { return false }
            expected += 1
        }
        return true
    }
}

extension BidirectionalCollection where Element == UInt8 {
    /// Without spaces and tabs at both ends.
    var trimmed: SubSequence {
        var part = self[...]
        while let first = part.first, first == 0x20 || first == 0x09 { part = part.dropFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part = part.dropLast() }
        return part
    }
}

/// Where one run of bytes occurs in another, from an offset on.
func find(
    _ needle: UnsafeBufferPointer<UInt8>, in haystack: UnsafeBufferPointer<UInt8>, from start: Int = 0
) -> Int? {
    guard let base = haystack.baseAddress, let pattern = needle.baseAddress, start <= haystack.count else { return nil }
    guard let found = loads_memmem(base + start, haystack.count - start, pattern, needle.count) else { return nil }
    return found - UnsafeRawPointer(base)
}
