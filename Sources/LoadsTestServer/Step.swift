import LoadsEventLoop

/// One thing a connection does to answer a request. An answer is a list of them.
enum Step: Equatable {
    case send([UInt8])
    /// Sends that many bytes of filler, as fast as the client takes them.
    case fill(Int)
    /// Sends one byte after the other with a pause before each.
    case drip(ArraySlice<UInt8>, every: Duration)
    case wait(Duration)
    /// Holds the connection until the client gives up.
    case never
    /// Closes the connection here, in order.
    case close
    /// Closes it with a reset.
    case reset
}

/// How a request is to be answered, and how its body is to be read.
struct Answer: Equatable {
    var steps: [Step]
    /// Answer before the request's body has arrived.
    var early = false
    /// Read no more than that many bytes of the body before each pause.
    var pace: Pace?

    struct Pace: Equatable {
        var bytes: Int
        var pause: Duration
    }
}
