import Glibc

/// Takes an HTTP/1.x response apart (RFC 9112): bytes in, events out. A pure state machine, one for each connection.
///
/// It is as lenient as browsers where nothing can be misunderstood (a bare line feed ends a line, a reason phrase may
/// be missing), and refuses what two readers could understand differently.
struct ResponseParser {
    /// What the bytes so far come to.
    enum Event: Equatable {
        /// All bytes were taken; more are needed.
        case more
        /// The head of a 1xx response: the final one follows.
        case informational
        /// The final head is complete: ``head``, ``status`` and their kin are set.
        case head
        /// A part of the body: this range of the input.
        case body(Range<Int>)
        /// The response is complete. What is left of the input belongs to no response.
        case end
    }

    /// Why the bytes are no response, for a person.
    struct Problem: Error, Equatable { var reason: String }

    /// What a connection's end means for the response.
    enum Closing { case complete, beforeResponse, premature }

    private enum State: Equatable {
        case head
        /// Bytes left of a body whose length is known.
        case fixed(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailers
        case done
    }

    /// The fields of the last head, CRLF after each, without the status line and the blank line.
    private(set) var head: [UInt8] = []
    private(set) var status = 0
    /// The minor version: HTTP/1.0 or 1.1.
    private(set) var minorVersion = 1
    /// The body's length as announced; nil when it is chunked or ends with the connection.
    private(set) var length: Int?
    /// Whether another request may follow on the connection, once the response is complete.
    private(set) var keepsConnection = true

    private var state = State.head
    private var isHead = false
    /// The beginning of a head that did not come in one piece.
    private var pending: [UInt8] = []
    /// Bytes of the chunk's line, of the trailers, or of the trailers' line.
    private var lineLength = 0
    private var trailerLength = 0
    private var chunkSize = 0
    private var digits = 0
    private var isInExtension = false
    private var sawReturn = false

    /// The longest head, in bytes, and the longest trailers.
    static let headLimit = 256 * 1024
    /// The longest line that announces a chunk.
    static let chunkLineLimit = 16 * 1024

    /// Readies the parser for the response to another request.
    ///
    /// - Parameter isHead: Whether the request is a HEAD, whose response has no body whatever its fields say.
    mutating func begin(isHead: Bool) {
        self.isHead = isHead
        state = .head
        keepsConnection = true
        length = nil
        if !pending.isEmpty { pending = [] }
    }

    /// Gives the head away; a parser needs it no more.
    mutating func takeHead() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &head)
        return taken
    }

    /// Reads on.
    ///
    /// - Parameter offset: Where to read in the input; moved to where the next call has to go on.
    mutating func next(_ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int) throws(Problem) -> Event {
        while true {
            switch state {
            case .head: return try readHead(input, &offset)
            case .fixed(let left):
                if left == 0 {
                    state = .done
                    return .end
                }
                guard let part = Self.take(left, input, &offset) else { return .more }
                state = .fixed(left - part.count)
                return .body(part)
            case .untilClose:
                guard let part = Self.take(.max, input, &offset) else { return .more }
                return .body(part)
            case .chunkSize:
                guard try readChunkSize(input, &offset) else { return .more }
            case .chunk(let left):
                if left == 0 {
                    state = .chunkEnd
                    sawReturn = false
                    continue
                }
                guard let part = Self.take(left, input, &offset) else { return .more }
                state = .chunk(left - part.count)
                return .body(part)
            case .chunkEnd:
                guard try readChunkEnd(input, &offset) else { return .more }
            case .trailers:
                guard try readTrailers(input, &offset) else { return .more }
            case .done: return .end
            }
        }
    }

    /// What it means that the server closes the connection now.
    func closing() -> Closing {
        switch state {
        case .untilClose, .done, .fixed(0): .complete
        case .head where pending.isEmpty: .beforeResponse
        default: .premature
        }
    }

    private static func take(_ limit: Int, _ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int) -> Range<Int>? {
        let count = min(limit, input.count - offset)
        guard count > 0 else { return nil }
        defer { offset += count }
        return offset..<offset + count
    }

    // MARK: Heads

    private mutating func readHead(_ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int) throws(Problem) -> Event {
        let rest = UnsafeBufferPointer(rebasing: input[offset...])
        if rest.isEmpty { return .more }
        if pending.isEmpty {
            try Self.checkStart(rest)
            guard let end = Self.endOfHead(rest, from: 0) else {
                if rest.count > Self.headLimit { throw Self.longHead }
                pending.append(contentsOf: rest)
                offset = input.count
                return .more
            }
            offset += end
            return try parse(UnsafeBufferPointer(rebasing: rest[..<end]))
        }
        // The head's end may lie across the pieces.
        let known = pending.count
        pending.append(contentsOf: rest)
        var bytes: [UInt8] = []
        swap(&bytes, &pending)
        let result: Result<Event?, Problem> = bytes.withUnsafeBufferPointer { all in
            do throws(Problem) {
                try Self.checkStart(all)
                guard let end = Self.endOfHead(all, from: max(0, known - 3)) else {
                    if all.count > Self.headLimit { throw Self.longHead }
                    return .success(nil)
                }
                offset += end - known
                return .success(try parse(UnsafeBufferPointer(rebasing: all[..<end])))
            } catch { return .failure(error) }
        }
        if let event = try result.get() { return event }
        swap(&bytes, &pending)
        offset = input.count
        return .more
    }

    /// Refuses what is no HTTP at its first bytes: whoever speaks something else may never send a line's end.
    private static func checkStart(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) {
        let start: StaticString = "HTTP/1."
        let count = min(bytes.count, start.utf8CodeUnitCount)
        if memcmp(bytes.baseAddress!, start.utf8Start, count) != 0 {
            throw Problem(reason: "it does not begin with HTTP/1.")
        }
    }

    private static let longHead = Problem(reason: "its headers are longer than \(headLimit) bytes")

    /// Where the blank line after a head ends.
    private static func endOfHead(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        let base = bytes.baseAddress!
        var place = start
        while place < bytes.count, let found = memchr(base + place, 0x0A, bytes.count - place) {
            let newline = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            place = newline + 1
            if place < bytes.count, base[place] == 0x0A { return place + 1 }
            if place + 1 < bytes.count, base[place] == 0x0D, base[place + 1] == 0x0A { return place + 2 }
        }
        return nil
    }

    private mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) -> Event {
        if bytes.count > Self.headLimit { throw Self.longHead }
        let firstEnd = memchr(bytes.baseAddress!, 0x0A, bytes.count)!
        let statusEnd = UnsafeRawPointer(firstEnd) - UnsafeRawPointer(bytes.baseAddress!)
        try parseStatus(UnsafeBufferPointer(rebasing: bytes[..<statusEnd]))
        // Without the blank line.
        let blank = bytes[bytes.count - 2] == 0x0D ? 2 : 1
        let fields = UnsafeBufferPointer(rebasing: bytes[(statusEnd + 1)..<(bytes.count - blank)])
        let framing = try ResponseFraming(fields)
        if status < 200 {
            // Nobody asked for another protocol.
            if status == 101 { throw Problem(reason: "it switches to a protocol that was not asked for") }
            return .informational
        }
        head = Array(fields)
        keepsConnection = framing.hasClose ? false : minorVersion > 0 || framing.hasKeepAlive
        length = framing.length
        if isHead || status == 204 || status == 304 {
            state = .fixed(0)
            length = 0
        } else if framing.isChunked {
            // Both lengths: somebody on the way may believe the other one.
            if framing.length != nil || minorVersion == 0 { keepsConnection = false }
            length = nil
            beginChunk()
        } else if let length {
            state = .fixed(length)
        } else {
            state = .untilClose
            keepsConnection = false
        }
        return .head
    }

    /// `HTTP/1.1 200 OK`, its reason phrase or even the space before it left out.
    private mutating func parseStatus(_ line: UnsafeBufferPointer<UInt8>) throws(Problem) {
        let end = line.last == 0x0D ? line.count - 1 : line.count
        guard end >= 12, line[8] == 0x20, line[7].isDigit, line[9].isDigit, line[10].isDigit, line[11].isDigit,
            end == 12 || line[12] == 0x20, line[9] != 0x30
        else { throw Problem(reason: "its first line is no status line") }
        minorVersion = line[7] == 0x30 ? 0 : 1
        status = Int(line[9] - 0x30) * 100 + Int(line[10] - 0x30) * 10 + Int(line[11] - 0x30)
    }

    // MARK: Chunks

    private mutating func beginChunk() {
        state = .chunkSize
        lineLength = 0
        chunkSize = 0
        digits = 0
        isInExtension = false
        sawReturn = false
    }

    /// Reads the line before a chunk. Returns false when more bytes are needed.
    private mutating func readChunkSize(
        _ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int
    ) throws(Problem) -> Bool {
        while offset < input.count {
            let byte = input[offset]
            offset += 1
            lineLength += 1
            if lineLength > Self.chunkLineLimit { throw Self.badChunk }
            if byte == 0x0A {
                if digits == 0 { throw Self.badChunk }
                if chunkSize == 0 {
                    state = .trailers
                    lineLength = 0
                    trailerLength = 0
                } else {
                    state = .chunk(chunkSize)
                }
                return true
            }
            if sawReturn { throw Self.badChunk }
            if byte == 0x0D {
                sawReturn = true
            } else if isInExtension {
                continue
            } else if let value = byte.hexValue {
                if chunkSize > Int.max >> 4 { throw Self.badChunk }
                chunkSize = chunkSize << 4 | Int(value)
                digits += 1
            } else if digits > 0, byte == 0x3B || byte == 0x20 || byte == 0x09 {
                isInExtension = true
            } else {
                throw Self.badChunk
            }
        }
        return false
    }

    private mutating func readChunkEnd(
        _ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int
    ) throws(Problem) -> Bool {
        while offset < input.count {
            let byte = input[offset]
            offset += 1
            if byte == 0x0A {
                beginChunk()
                return true
            }
            if byte != 0x0D || sawReturn { throw Self.badChunk }
            sawReturn = true
        }
        return false
    }

    /// Reads over the trailers, which nobody asks for.
    private mutating func readTrailers(
        _ input: UnsafeBufferPointer<UInt8>, _ offset: inout Int
    ) throws(Problem) -> Bool {
        while offset < input.count {
            let byte = input[offset]
            offset += 1
            trailerLength += 1
            if trailerLength > Self.headLimit { throw Problem(reason: "its trailers are too long") }
            if byte == 0x0A {
                if lineLength == 0 {
                    state = .done
                    return true
                }
                lineLength = 0
            } else if byte != 0x0D {
                lineLength += 1
            }
        }
        return false
    }

    private static let badChunk = Problem(reason: "its chunked coding is broken")
}
