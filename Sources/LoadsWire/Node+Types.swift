import LoadsCore

/// What fields of messages mean, with their ranges.
extension Node {
    /// Nanoseconds, at least 0.
    func duration() throws(WireError) -> Duration { .nanoseconds(Int64(try int(in: 0...Int.max))) }

    /// A point of somebody's monotonic clock in nanoseconds; it may lie before the clock's own 0.
    func clock() throws(WireError) -> Int64 { Int64(try int(in: Int.min...Int.max)) }

    /// Nanoseconds between two things that come again and again: from 1 ms to a day.
    func interval() throws(WireError) -> Int64 { Int64(try int(in: 1_000_000...86_400_000_000_000)) }

    /// An interval of a run in two fields of this map, in seconds.
    func interval(from: StaticString, to: StaticString) throws(WireError) -> ClosedRange<Double> {
        let (start, end) = (try field(from).double(), try field(to).double())
        guard start <= end else { throw .field(to, "at least \(from)") }
        return start...end
    }

    func users() throws(WireError) -> Int { try int(in: 0...WireLimits.users) }

    /// Arrivals in an hour, in millionths.
    func rate() throws(WireError) -> ArrivalRate {
        ArrivalRate(microPerHour: Int64(try int(in: 0...Int(ArrivalRate.highest.microPerHour))))
    }

    /// A sum over many messages.
    func total() throws(WireError) -> Int { try int(in: 0...WireLimits.total) }

    func sequence(from first: Int = 1) throws(WireError) -> UInt64 { UInt64(try int(in: first...Int.max)) }

    func port() throws(WireError) -> Int { try int(in: 1...65_535) }

    /// The name of an agent or a run, safe in topics and file names: 1 to 64 letters, digits, `-`, `_` and `.`, the first
    /// of them no `.`.
    func identifier() throws(WireError) -> String {
        let text = try string()
        guard WireLimits.isIdentifier(text) else {
            throw .field(name, "1 to 64 letters, digits, '-', '_' or '.', beginning without a '.'")
        }
        return text
    }

    /// 16 lower-case hexadecimal digits.
    func nonce() throws(WireError) -> String { try hexadecimal(16) }

    /// SHA-256: 64 lower-case hexadecimal digits.
    func hash() throws(WireError) -> String { try hexadecimal(64) }

    private func hexadecimal(_ count: Int) throws(WireError) -> String {
        let text = try string()
        guard WireLimits.isHexadecimal(text, count) else {
            throw .field(name, "\(count) lower-case hexadecimal digits")
        }
        return text
    }

    /// Text for people: at most 32 KiB.
    func text(_ limit: Int = WireLimits.stringBytes) throws(WireError) -> String {
        let text = try string()
        guard text.utf8.count <= limit else { throw .field(name, "text of at most \(limit) bytes") }
        return text
    }

    /// What the system takes as a C string.
    func systemString() throws(WireError) -> String {
        let text = try string()
        guard !text.utf8.contains(0) else { throw .field(name, "a string without a zero byte") }
        return text
    }

    /// A path below a directory, which it cannot leave.
    func relativePath() throws(WireError) -> String {
        let text = try systemString()
        guard WireLimits.isRelativePath(text) else {
            throw .field(name, "a relative path without '.' and '..' of at most 1024 bytes")
        }
        return text
    }

    /// A table of short strings: labels.
    func labels() throws(WireError) -> [String: String] {
        var labels: [String: String] = [:]
        try forEachEntry(limit: 64) { key, node throws(WireError) in
            guard key.utf8.count <= 256 else { throw .field(node.name, "labels of at most 256 bytes") }
            labels[key] = try node.text(256)
        }
        return labels
    }

    func list<Element>(_ element: (Node) throws(WireError) -> Element) throws(WireError) -> [Element] {
        guard try count <= WireLimits.groups else {
            throw WireError(code: .tooLarge, message: "message field \(name): more than \(WireLimits.groups) elements")
        }
        var list: [Element] = []
        list.reserveCapacity(try count)
        try eachElement { node throws(WireError) in list.append(try element(node)) }
        return list
    }

    /// One of an enumeration's values.
    func choice<Value: RawRepresentable & CaseIterable>(
        of type: Value.Type = Value.self
    ) throws(WireError) -> Value where Value.RawValue == String {
        let text = try string()
        guard let value = Value(rawValue: text) else {
            throw WireError(
                code: .field,
                message: "message field \(name): \"\(text.prefix(40))\" is none of "
                    + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    /// What a set-up hands over.
    func setUpValue() throws(WireError) -> [UInt8] {
        let bytes = try binary()
        guard bytes.count <= RunnerOrder.valueLimit else {
            throw .field(name, "at most \(RunnerOrder.valueLimit) bytes")
        }
        return [UInt8](bytes)
    }

    // MARK: The head of a message

    /// The type of a message whose version this side speaks.
    func type() throws(WireError) -> String {
        let version = try field("v").int(in: 0...Int.max)
        guard version == WireLimits.version else {
            throw WireError(
                code: .version,
                message:
                    "a message of protocol version \(version), but this side speaks version \(WireLimits.version): "
                    + "use the same release of Loads on both sides")
        }
        return try field("type").string()
    }
}

extension WireError {
    static func unknown(_ type: String, _ kind: String) -> WireError {
        WireError(code: .field, message: "no \(kind) is named \"\(type.prefix(40))\"")
    }
}

extension WireLimits {
    /// Whether a string may be the name of an agent or a run: 1 to 64 ASCII letters, digits, `-`, `_` and `.`, the first
    /// of them no `.`. So it is safe in topics and as a file's name.
    public static func isIdentifier(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Whether a string is so many lower-case hexadecimal digits.
    public static func isHexadecimal(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }

    /// Whether a path stays below the directory that it is taken from.
    public static func isRelativePath(_ path: String) -> Bool {
        (1...1024).contains(path.utf8.count)
            && path.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !["", ".", ".."].contains($0) && !$0.utf8.contains(0) }
    }
}
