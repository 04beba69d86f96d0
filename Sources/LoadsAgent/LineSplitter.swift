import Glibc

/// Divides what a program writes into records: lines of JSON, or MessagePack maps, as the first byte tells.
///
/// A pure structure that holds at most one unfinished record and one chunk, whatever comes.
struct LineSplitter {
    /// A record, or why there is none and how it began.
    enum Record: Equatable {
        case value(LineValue)
        case garbage(reason: String, sample: String)
    }

    private enum Format {
        case undecided, json, messagePack
        /// The rest of a line that is too long.
        case skipping
        /// MessagePack whose next map cannot be found any more.
        case lost
    }

    private var format = Format.undecided
    private var pending: [UInt8] = []

    /// How much of garbage is quoted, in bytes.
    private static let sampleBytes = 120

    /// Takes bytes, and calls a closure for each record that they complete.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (Record) -> Void) {
        guard !bytes.isEmpty, format != .lost else { return }
        // MessagePack's maps begin with bytes that no text begins with.
        if format == .undecided {
            format = (0x80...0x8f).contains(bytes[0]) || bytes[0] == 0xde || bytes[0] == 0xdf ? .messagePack : .json
        }
        var all: [UInt8] = []
        swap(&all, &pending)
        all.append(contentsOf: bytes)
        let taken = all.withUnsafeBytes { format == .messagePack ? takeMaps($0, body) : takeLines($0, body) }
        all.removeFirst(taken)
        pending = all
    }

    /// The program has closed its end: what is left is a record or none.
    mutating func finish(_ body: (Record) -> Void) {
        defer { pending = [] }
        guard !pending.isEmpty else { return }
        pending.withUnsafeBytes { all in
            switch format {
            case .json: line(all, body)
            case .messagePack: body(.garbage(reason: "it is cut off", sample: "MessagePack"))
            case .undecided, .skipping, .lost: break
            }
        }
    }

    private mutating func takeLines(_ all: UnsafeRawBufferPointer, _ body: (Record) -> Void) -> Int {
        var start = 0
        while start < all.count, let end = memchr(all.baseAddress! + start, 0x0a, all.count - start) {
            let next = all.baseAddress!.distance(to: UnsafeRawPointer(end))
            let bytes = UnsafeRawBufferPointer(rebasing: all[start..<next])
            if format == .skipping {
                format = .json
            } else if bytes.count > LineLimits.recordBytes {
                tooLong(bytes, body)
            } else {
                line(bytes, body)
            }
            start = next + 1
        }
        if format == .skipping { return all.count }
        if all.count - start > LineLimits.recordBytes {
            tooLong(UnsafeRawBufferPointer(rebasing: all[start...]), body)
            format = .skipping
            return all.count
        }
        return start
    }

    private func tooLong(_ bytes: UnsafeRawBufferPointer, _ body: (Record) -> Void) {
        body(.garbage(reason: "it is longer than \(LineLimits.recordBytes) bytes", sample: Self.sample(bytes)))
    }

    private func line(_ bytes: UnsafeRawBufferPointer, _ body: (Record) -> Void) {
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { return }
        do throws(LineFault) {
            body(.value(try LineJSON.parse(bytes)))
        } catch {
            body(.garbage(reason: error.reason, sample: Self.sample(bytes)))
        }
    }

    private mutating func takeMaps(_ all: UnsafeRawBufferPointer, _ body: (Record) -> Void) -> Int {
        var start = 0
        do throws(LineFault) {
            while start < all.count {
                guard case .value(let value, let end) = try LineMessagePack.parse(all, at: start) else { break }
                body(.value(value))
                start = end
            }
            guard all.count - start <= LineLimits.recordBytes else { throw LineFault("a map is too long") }
            return start
        } catch {
            format = .lost
            body(
                .garbage(
                    reason: "\(error.reason): nothing that it writes from here on can be read", sample: "MessagePack"))
            return all.count
        }
    }

    /// The beginning, with what cannot be shown made visible.
    static func sample(_ bytes: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: bytes.prefix(sampleBytes), as: UTF8.self)
        let shown = String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "·" : Character($0) })
        return bytes.count > sampleBytes ? shown + "…" : shown
    }
}
