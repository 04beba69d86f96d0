import HTTPTypes
import LoadsCore
import LoadsEventLoop

/// What a user (or, outside a load run, a session) keeps between calls: its engine and the URLs it called last.
///
/// Confined to its loop.
final class UserConnections: UserAttachment, @unchecked Sendable {
    // @unchecked: touched on the loop only; other threads only pass the reference along.

    let engine: any Engine
    private(set) var hasEnded = false

    private struct Known {
        let method: HTTPRequest.Method
        let reference: String
        let baseURL: String?
        let target: Target
    }
    private var known: [Known] = []
    private var oldest = 0
    /// A test calls a handful of URLs; a linear search of so few beats hashing.
    private static let capacity = 8

    init(engine: any Engine) { self.engine = engine }

    /// The target of a call, from memory if it was among the last ones.
    func target(
        _ reference: String, method: HTTPRequest.Method, baseURL: String?, serverURL: String?
    ) throws(SessionError) -> Target {
        for entry in known
        where entry.reference == reference && entry.method == method && entry.baseURL == baseURL {
            return entry.target
        }
        let target = try Target.resolve(reference, method: method, baseURL: baseURL, serverURL: serverURL)
        let entry = Known(method: method, reference: reference, baseURL: baseURL, target: target)
        if known.count < Self.capacity {
            known.append(entry)
        } else {
            known[oldest] = entry
            oldest = (oldest + 1) % Self.capacity
        }
        return target
    }

    func iterationEnded() { engine.iterationEnded() }

    func userEnded() {
        hasEnded = true
        engine.userEnded()
    }
}

/// The loop of sessions outside a load run: one for the process, started at first use.
enum SharedLoop {
    static let loop = EventLoop(name: "loads-session")
}
