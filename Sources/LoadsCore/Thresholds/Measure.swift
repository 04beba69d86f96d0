/// What a threshold looks at: a function of something that is measured.
public struct Measure: Sendable, Equatable {
    /// What is made of the samples.
    public enum Function: Sendable, Equatable {
        /// From 0 to 1: the nearest rank.
        case percentile(Double)
        /// Of times, or of the values of a metric.
        case mean, min, max
        /// Failed hits or steps.
        case errors
        /// Failed iterations.
        case failures
        /// Arrivals that found no user.
        case dropped
        /// Checks that passed.
        case checks
        /// How many: hits, or iterations that have come to an end of their own.
        case hits, iterations
        /// How often a second.
        case rate
        /// Bytes received.
        case bytes
        /// Values of a metric: how many, their sum, the last one, the share that is true.
        case count, sum, last, share
    }

    /// Of what.
    public enum Subject: Sendable, Equatable {
        /// What the function is about by itself: all hits, all checks, all iterations.
        case all
        /// Hits under a name.
        case hit(String)
        /// Steps under a name.
        case step(String)
        /// Checks under a name.
        case check(String)
        /// Values of a metric under a name.
        case metric(String)
        /// Iterations: of each its response time if it had an intended start, its service time otherwise.
        case iterations
        /// Iterations from their intended start, in open models only; iterations from their actual start.
        case response, service
        /// How late iterations start.
        case lag
    }

    /// What is made of the samples.
    public let function: Function
    /// Which samples.
    public let subject: Subject

    init(_ function: Function, _ subject: Subject = .all) {
        self.function = function
        self.subject = subject
    }

    /// The name that the run must bring forth, if it is about one: of a hit, a step, a check, a metric.
    public var name: String? {
        switch subject {
        case .hit(let name), .step(let name), .check(let name), .metric(let name): name
        case .all, .iterations, .response, .service, .lag: nil
        }
    }

    /// What bears the name, for a person.
    var kindOfName: String {
        switch subject {
        case .step: "step"
        case .check: "check"
        case .metric: "metric"
        default: "hit"
        }
    }
}
