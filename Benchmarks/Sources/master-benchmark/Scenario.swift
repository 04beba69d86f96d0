import LoadsCore
import LoadsEventLoop
import Synchronization

/// What the simulated agents do.
final class Scenario: Sendable {
    let agents: Int
    let seconds: Double
    let batches: Batches
    /// Between two batches; nil is what the master wants.
    private let interval: Duration?
    /// Whether single hits are followed to a subscriber.
    private let probes: Bool
    /// When each probe's hit happened.
    private let times = Mutex<[String: Instant]>([:])

    init(agents: Int, seconds: Double, batches: Batches, interval: Duration? = nil, probes: Bool = false) {
        self.agents = agents
        self.seconds = seconds
        self.batches = batches
        self.interval = interval
        self.probes = probes
    }

    /// The pause before the next batch. Where hits are followed it varies: the batches then have every possible distance
    /// to the master's own turns, not by chance a good or a bad one for the whole run.
    func pause(_ wanted: Duration) -> Duration {
        let pause = interval ?? wanted
        return probes ? pause + .microseconds(Int64.random(in: -20_000...20_000)) : pause
    }

    /// The name of a hit of this batch that is followed: each agent's turn comes in every so many batches. It happened
    /// at some moment of the batch's interval.
    func probe(_ batch: Int, of agent: Int, from: Double, to: Double, start: Instant) -> String? {
        guard probes, batch > 5, batch % agents == agent % agents else { return nil }
        let name = "probe-\(agent)-\(batch)"
        let moment = start.advanced(by: .seconds(Double.random(in: from...to)))
        return times.withLock { times in
            // A run has a thousand names at most.
            guard times.count < 800 else { return nil }
            times[name] = moment
            return name
        }
    }

    /// When a probe's hit happened, the first time that somebody asks.
    func takeTime(of probe: String) -> Instant? { times.withLock { $0.removeValue(forKey: probe) } }
}
