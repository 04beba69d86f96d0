import CZlib
import Glibc
import LoadsWire

/// Where a message lies in the spool's files.
struct SpoolPlace {
    let segment: SpoolSegment
    var offset: Int
    var count: Int
}

/// One append-only file of a run's spool: a header, then records. Little-endian.
///
/// Header (64 bytes): `LOADSSPL`, version (4), nothing (4), the epoch (16), the sequence number before the first record
/// (8), and the run's counts until then (3 × 8). Record: length of the message (4), CRC-32 of all that follows (4),
/// sequence (8), the run's counts with it (3 × 8), the message. What is torn at the end was never acknowledged and is
/// cut off. A file's bytes survive the process as soon as `write` has returned.
final class SpoolSegment {
    let path: String
    private let descriptor: Int32
    private(set) var size: Int
    /// The last sequence number in it; the one before the first while it is empty.
    private(set) var last: UInt64
    /// The run's counts with the last record.
    private(set) var counts = ReportCounts()
    /// The number before its first record.
    let base: UInt64

    static let headerBytes = 64
    static let recordBytes = 40
    private static let magic = Array("LOADSSPL".utf8)
    private static let version: UInt32 = 1

    private init(path: String, descriptor: Int32, size: Int, base: UInt64, last: UInt64) {
        self.path = path
        self.descriptor = descriptor
        self.size = size
        self.base = base
        self.last = last
    }

    deinit { close(descriptor) }

    /// A descriptor of its own, to flush the file from another thread; the caller closes it.
    func duplicate() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }

    func remove() { unlink(path) }

    // MARK: Writing

    static func create(_ path: String, epoch: String, after base: UInt64, counts: ReportCounts) throws(SpoolFailure)
        -> SpoolSegment
    {
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolFailure(path, errno) }
        var header = magic
        header.append(number: version)
        header.append(number: UInt32(0))
        header += Array(epoch.utf8.prefix(16)) + [UInt8](repeating: 0, count: max(0, 16 - epoch.utf8.count))
        header.append(number: base)
        header.append(counts)
        let segment = SpoolSegment(path: path, descriptor: descriptor, size: 0, base: base, last: base)
        segment.counts = counts
        do throws(SpoolFailure) {
            try segment.write(header)
        } catch {
            unlink(path)
            throw error
        }
        return segment
    }

    func append(_ message: [UInt8], sequence: UInt64, counts: ReportCounts) throws(SpoolFailure) -> SpoolPlace {
        var record: [UInt8] = []
        record.reserveCapacity(Self.recordBytes + message.count)
        record.append(number: UInt32(message.count))
        record.append(number: UInt32(0))
        record.append(number: sequence)
        record.append(counts)
        record += message
        let sum = record.withUnsafeBytes { Self.checksum(UnsafeRawBufferPointer(rebasing: $0[8...])) }
        for index in 0..<4 { record[4 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
        let place = SpoolPlace(segment: self, offset: size + Self.recordBytes, count: message.count)
        try write(record)
        last = sequence
        self.counts = counts
        return place
    }

    private func write(_ bytes: [UInt8]) throws(SpoolFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, $0.count - done, size + done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                // What was written of it would be taken for a torn end; better that there is nothing.
                ftruncate(descriptor, size)
                throw SpoolFailure(path, code)
            }
            done += count
        }
        size += bytes.count
    }

    // MARK: Reading

    func read(_ place: SpoolPlace) -> [UInt8]? { read(at: place.offset, place.count) }

    private func read(at offset: Int, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress! + done, count - done, offset + done)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }

    /// What a file of an earlier process holds.
    struct Content {
        var segment: SpoolSegment
        var epoch: String
        var places: [SpoolPlace]
    }

    /// Opens a file of an earlier process, and cuts off what is torn.
    ///
    /// - Returns: Nil when it is none of ours, or not even its header is whole.
    static func recover(_ path: String) -> Content? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var information = stat()
        fstat(descriptor, &information)
        let size = Int(information.st_size)
        let segment = SpoolSegment(path: path, descriptor: descriptor, size: size, base: 0, last: 0)
        guard size >= headerBytes, let header = segment.read(at: 0, headerBytes), Array(header[..<8]) == magic,
            header.number(at: 8) as UInt32 == version
        else { return nil }
        let base: UInt64 = header.number(at: 32)
        let found = SpoolSegment(
            path: path, descriptor: fcntl(descriptor, F_DUPFD_CLOEXEC, 3), size: size, base: base, last: base)
        let epoch = String(decoding: header[16..<32].prefix { $0 != 0 }, as: UTF8.self)
        found.counts = header.counts(at: 40)
        var content = Content(segment: found, epoch: epoch, places: [])
        var offset = headerBytes
        while let head = found.read(at: offset, recordBytes) {
            let count = Int(head.number(at: 0) as UInt32)
            guard count <= size - offset - recordBytes, let message = found.read(at: offset + recordBytes, count) else {
                break
            }
            let checked = Array(head[8...]) + message
            let sequence: UInt64 = head.number(at: 8)
            guard checked.withUnsafeBytes(checksum) == head.number(at: 4) as UInt32, sequence == found.last + 1 else {
                break
            }
            content.places.append(SpoolPlace(segment: found, offset: offset + recordBytes, count: count))
            found.counts = head.counts(at: 16)
            found.last = sequence
            offset += recordBytes + count
        }
        ftruncate(found.descriptor, offset)
        found.size = offset
        return content
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(crc32(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), uInt(bytes.count)))
    }
}

/// Why a file of the spool cannot be written.
struct SpoolFailure: Error {
    var path: String
    var reason: String
    init(_ path: String, _ code: Int32) {
        self.path = path
        reason = String(cString: strerror(code))
    }
}

extension [UInt8] {
    fileprivate mutating func append(number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ counts: ReportCounts) {
        for count in [counts.started, counts.ended, counts.hits] { append(number: Int64(count)) }
    }

    fileprivate func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
    }

    fileprivate func counts(at offset: Int) -> ReportCounts {
        func count(_ index: Int) -> Int { Int(number(at: offset + 8 * index) as Int64) }
        return ReportCounts(started: count(0), ended: count(1), hits: count(2))
    }
}
