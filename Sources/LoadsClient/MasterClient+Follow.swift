public import LoadsCore
import LoadsEventLoop
public import LoadsWire

/// What a run left, and what the way lost.
public struct FollowedRun: Sendable {
    /// The master's own account, in which nothing is missing that it has.
    public var snapshot: RunSnapshot
    /// Hits that were made and never came, beside those that the snapshot counts as dropped.
    public var missedHits: Int
    /// Hits that were made before the stream of a run that was followed from the middle began; they are no missed ones.
    public var earlierHits = 0
    /// When the first hit of the stream was made, in seconds since the start; nil without one.
    public var streamBegins: Double?
}

extension MasterClient {
    /// Follows a run to its end: what was before as a snapshot, then the stream.
    ///
    /// What is shown on the way may miss something; what is returned does not. A master that is away is waited for, for
    /// a little longer than its agents go on without it.
    ///
    /// - Parameters:
    ///   - hits: Whether every hit is wanted.
    ///   - whole: Whether hits that were made before this began count as missed.
    ///   - observer: Is told what happens.
    /// - Throws: ``ClientError``: `away` when the master does not come back, or what it says: it has never heard of the run.
    public func follow(
        run: String, hits: Bool = false, whole: Bool = false, observer: any RunObserver
    ) async throws(ClientError) -> FollowedRun {
        let topics: [StreamTopic] = hits ? [.stats, .events, .hits] : [.stats, .events]
        let heard = subscribe(run: run, topics: topics)
        let ticking = Task {
            while (try? await loop.sleep(for: .milliseconds(500))) != nil { tick(run: run) }
        }
        defer {
            ticking.cancel()
            unsubscribe(run: run, topics: topics)
        }
        var show = RunShow(run: run, master: address, observer: observer)
        var isAsking = false
        var final: RunSnapshot?
        for await sound in heard {
            let isWanted: Bool
            switch sound {
            case .said(let topic, let message): isWanted = show.take(message, topic: topic)
            case .tick: isWanted = show.tick()
            case .answered(let answer):
                isAsking = false
                let snapshot = try answer.get()
                if snapshot.state.isFinal {
                    final = snapshot
                    isWanted = false
                } else {
                    isWanted = show.start(from: snapshot)
                }
            }
            if let final {
                // The stream may be behind what the control channel says.
                if hits && show.waitsForHits(of: final) { continue }
                guard hits else { return FollowedRun(snapshot: final, missedHits: 0) }
                return FollowedRun(
                    snapshot: final, missedHits: show.missedHits(of: final, whole: whole),
                    earlierHits: show.earlierHits(of: final, whole: whole), streamBegins: show.streamBegins)
            }
            guard isWanted, !isAsking else { continue }
            isAsking = true
            // Beside the sounds: time goes by while the master is away.
            Task { await askSnapshot(run) }
        }
        throw ClientError(code: .noAnswer, message: "the conversation with the master was closed")
    }
}

extension MasterClient {
    /// How long a master may be away: agents without one go on for 120 s as a rule, and then have to be told of by it.
    private static let absence = Duration.seconds(180)

    private func askSnapshot(_ run: String) async {
        do throws(ClientError) {
            hear(.answered(.success(try await snapshot(run: run, limit: Self.absence))), run: run)
        } catch  where error.code == .noAnswer {
            let away = ClientError(
                code: .away,
                message: "the master at \(address) has not answered for \(Self.absence.components.seconds) s: what "
                    + "becomes of the run is not known here. Its agents deliver what they have once the master is back: "
                    + "`loads attach \(run)` shows it then")
            hear(.answered(.failure(away)), run: run)
        } catch {
            hear(.answered(.failure(error)), run: run)
        }
    }
}

extension RunState {
    /// Nothing more will come.
    public var isFinal: Bool {
        switch self {
        case .ended, .refused: true
        case .queued, .preparing, .running, .stopping: false
        }
    }
}
