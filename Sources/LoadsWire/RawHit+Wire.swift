import LoadsCore

/// Raw hits travel in columns, their strings as numbers into one table: a URL is written once, not a thousand times.
/// Batches of a runner and messages of the stream have the same columns, so that a master need not touch them.
struct HitColumns {
    private var places: [String: Int] = [:]
    private var strings: [String] = []

    private mutating func place(of string: String) -> Int {
        if let place = places[string] { return place }
        places[string] = strings.count
        strings.append(string)
        return strings.count - 1
    }

    /// Writes the columns into the map that is open.
    static func pack(_ hits: [RawHit], into packer: Packer) {
        var columns = HitColumns()
        let texts = hits.map { hit in
            (
                name: columns.place(of: hit.name), method: columns.place(of: hit.method),
                url: columns.place(of: hit.url), error: hit.error.map { columns.place(of: $0) }
            )
        }
        func column(_ name: String, _ write: (Int) -> Void) {
            packer.key(name)
            packer.array(hits.count)
            for index in hits.indices { write(index) }
        }
        packer.field("strings", columns.strings)
        column("t") { packer.double(hits[$0].time) }
        column("user") { packer.int(hits[$0].user) }
        column("iteration") { packer.int(hits[$0].iteration) }
        column("name") { packer.int(texts[$0].name) }
        column("method") { packer.int(texts[$0].method) }
        column("url") { packer.int(texts[$0].url) }
        column("status") { if let status = hits[$0].status { packer.int(status) } else { packer.null() } }
        column("ms") { packer.double(Double(hits[$0].latency) / 1e6) }
        column("bytes") { packer.int(hits[$0].bytes) }
        column("requests") { packer.int(hits[$0].requests) }
        column("error") { if let error = texts[$0].error { packer.int(error) } else { packer.null() } }
    }

    static func unpack(_ node: Node) throws(WireError) -> [RawHit] {
        let strings = try node.field("strings").strings()
        let time = try node.field("t")
        let count = try time.count
        guard count <= WireLimits.hits else { throw .field("hits", "at most \(WireLimits.hits)") }
        func column(_ key: StaticString) throws(WireError) -> Node {
            let column = try node.field(key)
            guard try column.count == count else { throw .field(key, "as long as t") }
            return column
        }
        func string(_ node: Node) throws(WireError) -> String {
            guard !strings.isEmpty else { throw .field("strings", "long enough") }
            return strings[try node.int(in: 0...strings.count - 1)]
        }
        let (user, iteration) = (try column("user"), try column("iteration"))
        let (name, method, url) = (try column("name"), try column("method"), try column("url"))
        let (status, latency) = (try column("status"), try column("ms"))
        let (bytes, requests, error) = (try column("bytes"), try column("requests"), try column("error"))
        var hits: [RawHit] = []
        hits.reserveCapacity(count)
        for row in 0..<count {
            hits.append(
                RawHit(
                    time: try time[row].double(), user: try user[row].int(), iteration: try iteration[row].int(),
                    name: try string(name[row]), method: try string(method[row]), url: try string(url[row]),
                    status: status[row].isNull ? nil : try status[row].int(in: 0...999),
                    latency: Int64((try latency[row].double(to: 9e12) * 1e6).rounded()), bytes: try bytes[row].int(),
                    requests: try requests[row].int(), error: error[row].isNull ? nil : try string(error[row])))
        }
        return hits
    }
}
