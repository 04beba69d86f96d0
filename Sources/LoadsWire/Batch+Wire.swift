import LoadsCore

extension Batch {
    var wire: WireValue {
        var fields: [String: WireValue] = ["statistics": statistics.wire]
        if !hits.isEmpty { fields["hits"] = HitColumns.wire(hits) }
        return .map(fields)
    }

    init(_ map: WireMap) throws(WireError) {
        self.init(
            statistics: try Statistics(try map.map("statistics")),
            hits: map.has("hits") ? try HitColumns.hits(try map.map("hits")) : [])
    }
}

/// Raw hits in columns of equal length; strings are numbers that index a list of the distinct ones.
enum HitColumns {
    static func wire(_ hits: [RawHit]) -> WireValue {
        var words: [String] = []
        var places: [String: Int] = [:]
        func place(_ text: String) -> WireValue {
            if let known = places[text] { return .int(Int64(known)) }
            places[text] = words.count
            words.append(text)
            return .int(Int64(words.count - 1))
        }
        func column(_ value: (RawHit) -> WireValue) -> WireValue { .array(hits.map(value)) }
        let fields: [String: WireValue] = [
            "t": column { .double($0.time) }, "user": column { .int(Int64($0.user)) },
            "iteration": column { .int(Int64($0.iteration)) }, "name": column { place($0.name) },
            "method": column { place($0.method) }, "url": column { place($0.url) },
            "status": column { .int(Int64($0.status ?? 0)) }, "ns": column { .int($0.latency) },
            "bytes": column { .int(Int64($0.bytes)) }, "requests": column { .int(Int64($0.requests)) },
            "error": column { $0.error.map(place) ?? .null },
        ]
        return .map(fields.merging(["strings": .array(words.map { .string($0) })]) { $1 })
    }

    static func hits(_ map: WireMap) throws(WireError) -> [RawHit] {
        let words = try map.strings("strings")
        let times = try map.array("t")
        let count = times.count
        func column(_ key: String) throws(WireError) -> [Int] {
            let values = try map.counts(key)
            guard values.count == count else { throw WireError("\(map.place(key)): not as long as the others") }
            return values
        }
        func text(_ place: Int, _ key: String) throws(WireError) -> String {
            guard place < words.count else { throw WireError("\(map.place(key)): no such string") }
            return words[place]
        }
        let (users, iterations, names) = (try column("user"), try column("iteration"), try column("name"))
        let (methods, urls, states) = (try column("method"), try column("url"), try column("status"))
        let (latencies, bytes, requests) = (try column("ns"), try column("bytes"), try column("requests"))
        let errors = try map.array("error")
        guard errors.count == count else { throw WireError("\(map.place("error")): not as long as the others") }
        var hits: [RawHit] = []
        hits.reserveCapacity(count)
        for index in 0..<count {
            guard case .double(let time) = times[index], time.isFinite else {
                throw WireError("\(map.place("t")): not a finite number")
            }
            var error: String?
            switch errors[index] {
            case .null: break
            case .int(let place) where place >= 0 && place < words.count: error = words[Int(place)]
            default: throw WireError("\(map.place("error")): no such string")
            }
            hits.append(
                RawHit(
                    time: time, user: users[index], iteration: iterations[index],
                    name: try text(names[index], "name"), method: try text(methods[index], "method"),
                    url: try text(urls[index], "url"), status: states[index] == 0 ? nil : states[index],
                    latency: Int64(latencies[index]), bytes: bytes[index], requests: requests[index], error: error))
        }
        return hits
    }
}
