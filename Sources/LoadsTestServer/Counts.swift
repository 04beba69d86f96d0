/// What a server has served.
public struct Counts: Sendable, Equatable {
    /// Requests whose head arrived, whatever became of them.
    public var requests = 0
    /// Requests by path, without the query. The first thousand paths; the rest is `(other)`.
    public var paths: [String: Int] = [:]
    /// Connections accepted.
    public var connections = 0
    /// Connections open now.
    public var open = 0
    /// Connections that the client closed before its answer was complete.
    public var abandoned = 0
    /// Bytes read from connections, heads included.
    public var bytesReceived = 0
    /// Bytes written to connections, heads included.
    public var bytesSent = 0

    /// Nothing was served.
    public init() {}

    static let pathLimit = 1000

    mutating func countRequest(_ path: String) {
        requests += 1
        if let known = paths.index(forKey: path) {
            paths.values[known] += 1
        } else {
            paths[paths.count < Self.pathLimit ? path : "(other)", default: 0] += 1
        }
    }

    mutating func add(_ other: Counts) {
        requests += other.requests
        paths.merge(other.paths) { $0 + $1 }
        connections += other.connections
        open += other.open
        abandoned += other.abandoned
        bytesReceived += other.bytesReceived
        bytesSent += other.bytesSent
    }

    /// As `/counts` reports it.
    var json: String {
        let paths = paths.sorted { $0.key < $1.key }.map { "\(JSON.string($0.key)):\($0.value)" }.joined(separator: ",")
        return """
            {"requests":\(requests),"connections":\(connections),"open":\(open),"abandoned":\(abandoned),\
            "bytes_received":\(bytesReceived),"bytes_sent":\(bytesSent),"paths":{\(paths)}}
            """
    }
}
