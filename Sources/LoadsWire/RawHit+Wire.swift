import LoadsCore

/// Raw hits travel in columns, their strings as numbers into one table: a URL is written once, not a thousand times.
/// Batches of a runner and messages of the stream have the same columns, so that a master need not touch them.
struct HitColumns {
    let count: Int
    private let strings: Node
    private let table: [String]
    private let time, user, iteration, name, method, url, status, ms, bytes, requests, error: Node.FlatArray
    private let nodes: [Node]

    /// The columns of a message, each value found right.
    init(_ node: Node) throws(WireError) {
        var nodes: [Node] = []
        func column(_ key: StaticString) throws(WireError) -> Node.FlatArray {
            let column = try node.field(key)
            nodes.append(column)
            return try column.flat
        }
        strings = try node.field("strings")
        table = try strings.strings()
        (time, user, iteration) = (try column("t"), try column("user"), try column("iteration"))
        (name, method, url) = (try column("name"), try column("method"), try column("url"))
        (status, ms) = (try column("status"), try column("ms"))
        (bytes, requests, error) = (try column("bytes"), try column("requests"), try column("error"))
        count = time.count
        self.nodes = nodes
        guard count <= WireLimits.hits else { throw .field("hits", "at most \(WireLimits.hits)") }
        for node in nodes {
            guard try node.count == count else { throw .field(node.name, "as long as the other columns") }
        }
        try check()
    }

    private func check() throws(WireError) {
        for row in 0..<count { _ = try time[row].double() }
        for row in 0..<count { _ = try ms[row].milliseconds() }
        for column in [user, iteration, bytes, requests] { for row in 0..<count { _ = try column[row].int() } }
        for column in [name, method, url] { for row in 0..<count { _ = try place(column[row]) } }
        for row in 0..<count where !status[row].isNull { _ = try status[row].status() }
        for row in 0..<count where !error[row].isNull { _ = try place(error[row]) }
    }

    private func place(_ node: Node) throws(WireError) -> Int {
        guard !table.isEmpty else { throw .field("strings", "long enough") }
        return try node.int(in: 0...table.count - 1)
    }

    func hits() throws(WireError) -> [RawHit] {
        var hits: [RawHit] = []
        hits.reserveCapacity(count)
        for row in 0..<count {
            hits.append(
                RawHit(
                    time: try time[row].double(), user: try user[row].int(), iteration: try iteration[row].int(),
                    name: table[try place(name[row])], method: table[try place(method[row])],
                    url: table[try place(url[row])], status: status[row].isNull ? nil : try status[row].status(),
                    latency: try ms[row].milliseconds(), bytes: try bytes[row].int(),
                    requests: try requests[row].int(), error: error[row].isNull ? nil : table[try place(error[row])]))
        }
        return hits
    }

    /// Where each column is in the message, by its name.
    var ranges: [(name: String, range: Range<Int>)] {
        ([strings] + nodes).map { ("\($0.name)", $0.range) }
    }
}

extension Node {
    fileprivate func status() throws(WireError) -> Int { try int(in: 0...999) }

    /// A latency in milliseconds, as nanoseconds.
    fileprivate func milliseconds() throws(WireError) -> Int64 { Int64((try double(to: 9e12) * 1e6).rounded()) }
}

/// The table of strings while columns are written.
private struct StringTable {
    private var places: [String: Int] = [:]
    private(set) var strings: [String] = []

    mutating func place(of string: String) -> Int {
        if let place = places[string] { return place }
        places[string] = strings.count
        strings.append(string)
        return strings.count - 1
    }
}

extension Packer {
    /// Writes columns into the map that is open.
    func columns(_ hits: [RawHit]) {
        var table = StringTable()
        let texts = hits.map { hit in
            (
                name: table.place(of: hit.name), method: table.place(of: hit.method),
                url: table.place(of: hit.url), error: hit.error.map { table.place(of: $0) }
            )
        }
        func column(_ name: String, _ write: (Int) -> Void) {
            key(name)
            array(hits.count)
            for index in hits.indices { write(index) }
        }
        field("strings", table.strings)
        column("t") { double(hits[$0].time) }
        column("user") { int(hits[$0].user) }
        column("iteration") { int(hits[$0].iteration) }
        column("name") { int(texts[$0].name) }
        column("method") { int(texts[$0].method) }
        column("url") { int(texts[$0].url) }
        column("status") { if let status = hits[$0].status { int(status) } else { null() } }
        column("ms") { double(Double(hits[$0].latency) / 1e6) }
        column("bytes") { int(hits[$0].bytes) }
        column("requests") { int(hits[$0].requests) }
        column("error") { if let error = texts[$0].error { int(error) } else { null() } }
    }
}
