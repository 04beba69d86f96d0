import LoadsCore

extension SecondsPage {
    /// Seconds in one message, packed.
    struct Part {
        fileprivate var seconds: [[UInt8]] = []
        fileprivate var more = true

        func pack(into packer: Packer) {
            packer.key("seconds")
            packer.array(seconds.count)
            for second in seconds { second.withUnsafeBytes { packer.raw($0) } }
            packer.field("more", more)
        }
    }

    /// The first seconds that fit, at least one, in pieces that each fit into a message.
    ///
    /// - Parameters:
    ///   - limit: About how many bytes all of them may take.
    ///   - budget: About how many bytes a piece may take; below ``WireLimits/messageBytes`` with room to spare.
    func parts(limit: Int = 4 << 20, budget: Int = 1 << 20) -> [Part] {
        var parts: [Part] = []
        var part = Part()
        var (all, used) = (0, 0)
        for second in seconds {
            let pieces = Batch(statistics: second.statistics).parts(budget: budget).map { piece in
                let packer = Packer()
                packer.map {
                    packer.field("second", second.second)
                    piece.statistics.packFields(into: packer)
                }
                return packer.bytes
            }
            let size = pieces.reduce(0) { $0 + $1.count }
            if all > 0, all + size > limit { break }
            all += size
            for piece in pieces {
                if used > 0, used + piece.count > budget {
                    parts.append(part)
                    part = Part()
                    used = 0
                }
                used += piece.count
                part.seconds.append(piece)
            }
        }
        part.more = false
        return parts + [part]
    }

    init(_ node: Node) throws(WireError) {
        self.init([], more: try node.field("more").bool())
        let seconds = try node.field("seconds").list { node throws(WireError) in
            MeasuredSecond(
                second: try node.field("second").total(), try Statistics(node, limit: WireLimits.total))
        }
        merge(SecondsPage(seconds, more: more))
    }
}
