internal import Glibc
internal import LoadsEventLoop
import Synchronization

/// What the plain engines of one loop share: buffers, and the requests and places that were used last. One user's
/// requests are mostly like the others', so what they share stays in the processor's cache. On the loop only.
final class PlainShared: @unchecked Sendable {
    // @unchecked: confined to the loop's thread; others only pass the reference along.
    let loop: EventLoop
    let resolver: Resolver
    /// What is read goes here first: what is left in it after the reading is nobody's.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    private var requests: [PlainRequest] = []
    private var oldestRequest = 0
    private var places: [PlainPlace] = []
    private var oldestPlace = 0

    /// A test makes a handful of different requests; a linear search of so few beats hashing.
    private static let requestLimit = 16
    private static let placeLimit = 64

    init(loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    deinit { buffer.deallocate() }

    /// The loop's one, made if it is not there.
    static func of(_ loop: EventLoop, _ resolver: Resolver) -> PlainShared {
        all.withLock { all in
            // An entry keeps its loop and resolver alive while it is alive itself, so their addresses are theirs.
            if let known = all.first(where: { $0.isOf(loop, resolver) })?.shared { return known }
            all.removeAll { $0.shared == nil }
            let made = PlainShared(loop: loop, resolver: resolver)
            all.append(Entry(shared: made))
            return made
        }
    }

    private struct Entry {
        weak var shared: PlainShared?
        func isOf(_ loop: EventLoop, _ resolver: Resolver) -> Bool {
            shared?.loop === loop && shared?.resolver === resolver
        }
    }

    /// One for each loop that has users now: few.
    private static let all = Mutex<[Entry]>([])

    /// The request of an exchange; nil when it is not for a plain connection.
    func request(for exchange: Exchange) -> PlainRequest? {
        let options = exchange.connection
        // An empty proxy is none.
        guard options.proxy?.isEmpty != false, options.unixSocket == nil, options.digestUser == nil else { return nil }
        for request in requests where request.matches(exchange) { return request }
        // `https` and what is no URL at all.
        guard exchange.url.utf8.dropFirst(4).first == UInt8(ascii: ":") else { return nil }
        guard let place = place(of: exchange), let made = PlainRequest(exchange, place) else { return nil }
        if requests.count < Self.requestLimit {
            requests.append(made)
        } else {
            requests[oldestRequest] = made
            oldestRequest = (oldestRequest + 1) % Self.requestLimit
        }
        return made
    }

    private func place(of exchange: Exchange) -> PlainPlace? {
        var url = exchange.url
        let pins = exchange.connection.pins
        let known = url.withUTF8 { bytes in places.first { $0.serves(bytes, pins: pins) } }
        if let known { return known }
        guard let made = PlainPlace(url: url, pins: pins) else { return nil }
        if places.count < Self.placeLimit {
            places.append(made)
        } else {
            places[oldestPlace] = made
            oldestPlace = (oldestPlace + 1) % Self.placeLimit
        }
        return made
    }
}
