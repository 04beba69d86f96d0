import CMsgPack
import LoadsCore

/// What an agent has to know of a runner's report that it passes on as it is: read without its histograms and hits.
public struct ReportHead: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case hello
        case ready
        case started
        case batch
        case note
        case ended(interrupted: Bool, seconds: Double)
        case refused(code: Int, message: String)
    }

    public var kind: Kind
    /// What a batch counts.
    public var counts: ReportCounts
    /// The interval of a batch, in seconds since the start of the run.
    public var from: Double
    public var to: Double

    public init(_ kind: Kind, counts: ReportCounts = ReportCounts(), from: Double = 0, to: Double = 0) {
        self.kind = kind
        self.counts = counts
        self.from = from
        self.to = to
    }

    /// Reads what there is to know of a report.
    ///
    /// - Throws: ``WireError`` when the bytes are no report. What is not read is not checked, beyond being MessagePack.
    public init(reading bytes: [UInt8]) throws(WireError) {
        self = try Unpacker.withRoot(of: bytes) { root throws(WireError) in
            switch try root.type() {
            case "hello": return ReportHead(.hello)
            case "ready": return ReportHead(.ready)
            case "started": return ReportHead(.started)
            case "note": return ReportHead(.note)
            case "batch":
                let iterations = try IterationCounts(root.field("iterations"))
                var counts = ReportCounts(started: iterations.started, ended: iterations.ended)
                try root.field("names").forEachValue { name throws(WireError) in
                    counts.hits += try name.field("count").int()
                }
                return ReportHead(
                    .batch, counts: counts, from: try root.optional("from_s")?.double() ?? 0,
                    to: try root.optional("to_s")?.double() ?? 0)
            case "ended":
                return ReportHead(
                    .ended(
                        interrupted: try root.field("interrupted").bool(),
                        seconds: try root.field("seconds").double()))
            case "refused":
                return ReportHead(
                    .refused(
                        code: try root.field("code").int(in: 1...255), message: try root.field("message").string()))
            case let type: throw .unknown(type, "report")
            }
        }
    }
}

/// Iterations and hits of one batch, or of all of them.
public struct ReportCounts: Sendable, Equatable {
    /// Iterations started, and ended in whatever way.
    public var started: Int
    public var ended: Int
    public var hits: Int

    public init(started: Int = 0, ended: Int = 0, hits: Int = 0) {
        self.started = started
        self.ended = ended
        self.hits = hits
    }

    public mutating func add(_ other: ReportCounts) {
        started &+= other.started
        ended &+= other.ended
        hits &+= other.hits
    }
}

extension Node {
    /// Calls a closure for each value of a map.
    fileprivate func forEachValue(_ body: (Node) throws(WireError) -> Void) throws(WireError) {
        guard object.type == MSGPACK_OBJECT_MAP, object.via.map.size <= WireLimits.groups else {
            throw .field(name, "a map of at most \(WireLimits.groups) entries")
        }
        for index in 0..<Int(object.via.map.size) {
            try body(Node(object: object.via.map.ptr[index].val, name: name))
        }
    }
}
