import CLinux

/// HTTP/1.1 requests out of a stream of bytes, RFC 9112. A pure state machine: no socket, no clock.
///
/// Pipelined requests come one after another. After ``Event/failed(status:reason:)`` nothing more comes: where the
/// next request would begin is unknown.
struct RequestParser {
    enum Event: Equatable {
        case head(RequestHead)
        case body([UInt8])
        /// The request is complete.
        case end
        /// Not HTTP, or more than we take.
        case failed(status: Int, reason: String)
    }

    private enum State: Equatable {
        case head
        case body(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        case complete
        case failed
    }

    /// The longest request line and headers in bytes; more is status 431.
    var headLimit = 64 << 10
    private var state = State.head
    private var buffer: [UInt8] = []
    private var start = 0

    /// How many bytes wait to be looked at.
    var buffered: Int { buffer.count - start }

    /// Takes what came from the network.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        } else if start > 64 << 10 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// What comes next, or nil when more bytes are needed.
    mutating func next() -> Event? {
        while true {
            switch state {
            case .head: return nextHead()
            case .body(let left): return nextBody(left) { $0 == 0 ? .complete : .body(left: $0) }
            case .chunk(let left): return nextBody(left) { $0 == 0 ? .chunkEnd : .chunk(left: $0) }
            case .chunkSize:
                guard let line = nextLine(limit: 1024) else { return tooLong(1024) }
                guard let size = Self.hexadecimal(line.prefix { $0 != 59 }) else { return fail(400, "bad chunk size") }
                state = size == 0 ? .trailers : .chunk(left: size)
            case .chunkEnd:
                guard let line = nextLine(limit: 2) else { return tooLong(2) }
                guard line.isEmpty else { return fail(400, "no line end after a chunk") }
                state = .chunkSize
            case .trailers:
                guard let line = nextLine(limit: headLimit) else { return tooLong(headLimit) }
                if line.isEmpty { state = .complete }
            case .complete:
                state = .head
                return .end
            case .failed: return nil
            }
        }
    }

    // MARK: Parts

    private mutating func nextBody(_ left: Int, then: (Int) -> State) -> Event? {
        let count = min(left, buffered)
        if count == 0 && left > 0 { return nil }
        let bytes = Array(buffer[start..<start + count])
        start += count
        state = then(left - count)
        return .body(bytes)
    }

    private mutating func nextLine(limit: Int) -> ArraySlice<UInt8>? {
        let window = buffer[start...].prefix(limit + 2)
        guard let end = window.firstIndex(of: 10) else { return nil }
        var line = buffer[start..<end]
        if line.last == 13 { line.removeLast() }
        start = end + 1
        return line
    }

    private mutating func tooLong(_ limit: Int) -> Event? {
        buffered > limit + 2 ? fail(400, "a line of a chunked body is too long") : nil
    }

    private mutating func fail(_ status: Int, _ reason: String) -> Event {
        state = .failed
        return .failed(status: status, reason: reason)
    }

    private mutating func nextHead() -> Event? {
        // Empty lines before a request are allowed (RFC 9112, 2.2).
        while start < buffer.count, buffer[start] == 13 || buffer[start] == 10 { start += 1 }
        guard start < buffer.count else { return nil }
        guard let size = headSize() else {
            // Somebody who speaks TLS, say, would wait for us while we wait for the end of the headers.
            if !(65...90).contains(buffer[start]) { return fail(400, "this is not HTTP") }
            return buffered > headLimit ? fail(431, "the headers are longer than \(headLimit) bytes") : nil
        }
        if size > headLimit { return fail(431, "the headers are longer than \(headLimit) bytes") }
        let bytes = buffer[start..<start + size]
        start += size
        let lineEnd = bytes.firstIndex(of: 10)!
        let words = bytes[..<lineEnd].split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy({ $0 >= 65 && $0 <= 90 }),
            words[1].first == 47 || words[1].first == 42 || words[1].starts(with: Array("http".utf8))
        else { return fail(400, "the request line is not METHOD TARGET VERSION") }
        let version = RequestHead.trimmed(words[2])
        guard version.elementsEqual("HTTP/1.1".utf8) || version.elementsEqual("HTTP/1.0".utf8) else {
            return fail(505, "this server speaks HTTP/1.1")
        }
        var head = RequestHead(
            method: String(decoding: words[0], as: UTF8.self), target: String(decoding: words[1], as: UTF8.self),
            lines: Array(bytes[(lineEnd + 1)...]))
        head.keepsAlive = version.last == 49
        return read(&head)
    }

    /// The length of the head up to and with its empty line.
    private func headSize() -> Int? {
        buffer.withUnsafeBytes { bytes in
            let base = bytes.baseAddress! + start
            guard let end = loads_memmem(base, buffered, "\r\n\r\n", 4) else { return nil }
            return UnsafeRawPointer(end) - base + 4
        }
    }

    /// The headers that decide where the request ends and what follows it.
    private mutating func read(_ head: inout RequestHead) -> Event {
        var framing: RequestHead.Framing?
        for line in head.lines.split(separator: 10) where line.count > 1 {
            guard let colon = line.firstIndex(of: 58), colon > line.startIndex else {
                return fail(400, "a header line without a name")
            }
            // Only four headers matter here; their lengths tell them from nearly all others.
            let name = line[..<colon]
            guard [6, 10, 14, 17].contains(name.count) else { continue }
            let value = String(decoding: RequestHead.trimmed(line[(colon + 1)...]), as: UTF8.self).lowercased()
            switch String(decoding: name, as: UTF8.self).lowercased() {
            case "expect": head.expectsContinue = value == "100-continue"
            case "connection":
                if value.contains("close") { head.keepsAlive = false }
                if value.contains("keep-alive") { head.keepsAlive = true }
            case "content-length":
                guard framing == nil, value.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let count = Int(value) else {
                    return fail(400, "a Content-Length that is not one number")
                }
                framing = .length(count)
            case "transfer-encoding":
                guard framing == nil, value == "chunked" else {
                    return fail(400, "a Transfer-Encoding other than chunked, or with a Content-Length")
                }
                framing = .chunked
            default: break
            }
        }
        head.framing = framing ?? .none
        switch head.framing {
        case .none, .length(0): state = .complete
        case .length(let count): state = .body(left: count)
        case .chunked: state = .chunkSize
        }
        return .head(head)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> Int? {
        let digits = RequestHead.trimmed(digits)
        guard (1...12).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard let number = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            value = value << 4 | number
        }
        return value
    }
}
