import Glibc
import LoadsCore
import LoadsWire

/// What the spool's files have kept of a run whose agent was killed.
struct RecoveredRun {
    var run: String
    /// The sequence number of the first place.
    var first: UInt64
    var places: [SpoolPlace]
    var counts: ReportCounts
    /// Whether the last message is the run's end.
    var hasEnded: Bool
    /// The end of a run that had none: its runner died with the agent.
    var end: RunnerEnd
}

/// The spool's files: `DIR/.epoch`, and a folder for each run with its segments. No run can be named like a file of the
/// store: its name never begins with a dot.
///
/// When a file cannot be written (a full disk), the store is given up: the spool goes on in memory, and what an agent
/// that is killed then leaves is not recovered, since it would have holes.
final class SpoolStore {
    private let directory: String
    private var epoch = ""
    private(set) var isWorking = true
    private var segments: [String: [SpoolSegment]] = [:]
    private let flusher = DiskFlusher()
    private var unflushed: [SpoolSegment] = []

    /// A segment is closed when it is longer than this, and its file goes when all of it is acknowledged.
    private let segmentBytes: Int

    /// - Parameter directory: Made if it is not there.
    init(directory: String, segmentBytes: Int = 8 << 20) throws(AgentError) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        try Files.makeDirectory(directory)
    }

    // MARK: Recovery

    /// Reads what an earlier process left. Call it once, first.
    ///
    /// - Returns: The epoch to go on with, and the runs; nil when there is nothing to go on with.
    func recover() -> (epoch: String, runs: [RecoveredRun])? {
        guard let epoch = Files.read(epochPath, limit: 64).map({ String(decoding: $0, as: UTF8.self) }),
            epoch.utf8.count == 16
        else {
            clear()
            return nil
        }
        var found: [RecoveredRun] = []
        for run in Files.list(directory).sorted() where Files.isDirectory("\(directory)/\(run)") {
            if let recovered = recover(run, epoch) {
                found.append(recovered)
            } else {
                Files.removeTree("\(directory)/\(run)")
            }
        }
        if found.isEmpty {
            clear()
            return nil
        }
        self.epoch = epoch
        return (epoch, found)
    }

    private func recover(_ run: String, _ epoch: String) -> RecoveredRun? {
        var places: [SpoolPlace] = []
        var counts = ReportCounts()
        var kept: [SpoolSegment] = []
        let folder = "\(directory)/\(run)"
        for name in Files.list(folder).filter({ $0.hasSuffix(".seg") }).sorted() {
            guard let content = SpoolSegment.recover("\(folder)/\(name)"), content.epoch == epoch,
                kept.isEmpty || content.segment.base == kept.last!.last
            else {
                // Behind a hole nothing can be delivered: the master takes the next number only.
                if kept.isEmpty { return nil }
                unlink("\(folder)/\(name)")
                continue
            }
            kept.append(content.segment)
            places += content.places
            counts = content.segment.counts
        }
        guard let first = kept.first else { return nil }
        segments[run] = kept
        var hasEnded = false
        if let last = places.last, let bytes = last.segment.read(last),
            case .ended? = (try? ResultMessage(decoding: bytes))?.content
        {
            hasEnded = true
        }
        let counted = Self.counters(of: folder)
        let crash = RunnerCrash(
            reason: "its agent was killed, and the runner with it", output: "",
            unreportedStarted: max(0, counted.started - counts.started),
            unreportedEnded: max(0, counted.ended - counts.ended), unreportedHits: max(0, counted.hits - counts.hits))
        return RecoveredRun(
            run: run, first: first.base + 1, places: places, counts: counts, hasEnded: hasEnded, end: .crashed(crash))
    }

    /// Where the live counters of a run's runner lie, so that they outlive the agent too.
    func countersPath(_ run: String) -> String { "\(directory)/\(run)/counters" }

    private static func counters(of folder: String) -> ReportCounts {
        guard let memory = SharedCounters(path: "\(folder)/counters") else { return ReportCounts() }
        return memory.counters.counts
    }

    private func clear() {
        for name in Files.list(directory) { Files.removeTree("\(directory)/\(name)") }
    }

    // MARK: Writing

    private var epochPath: String { "\(directory)/.epoch" }

    /// Begins a run's files.
    ///
    /// - Returns: What went wrong, for the user.
    func begin(_ run: String, epoch: String) -> String? {
        guard isWorking else { return nil }
        do throws(SpoolFailure) {
            if self.epoch != epoch { try Files.write(Array(epoch.utf8), to: epochPath) }
            self.epoch = epoch
            mkdir("\(directory)/\(run)", 0o700)
            segments[run] = [try create(run, epoch: epoch, after: 0, counts: ReportCounts())]
            return nil
        } catch {
            return giveUp(error)
        }
    }

    private func create(_ run: String, epoch: String, after base: UInt64, counts: ReportCounts) throws(SpoolFailure)
        -> SpoolSegment
    {
        let name = String(repeating: "0", count: 19 - min(19, "\(base)".count)) + "\(base)"
        return try SpoolSegment.create("\(directory)/\(run)/\(name).seg", epoch: epoch, after: base, counts: counts)
    }

    /// Writes a message.
    ///
    /// - Returns: Where it lies, or what went wrong.
    func append(_ run: String, _ message: [UInt8], sequence: UInt64, counts: ReportCounts) -> (
        SpoolPlace?, problem: String?
    ) {
        guard isWorking, var files = segments[run], var segment = files.last else { return (nil, nil) }
        do throws(SpoolFailure) {
            if segment.size >= segmentBytes {
                segment = try create(run, epoch: epoch, after: sequence - 1, counts: segment.counts)
                files.append(segment)
                segments[run] = files
            }
            let place = try segment.append(message, sequence: sequence, counts: counts)
            if !unflushed.contains(where: { $0 === segment }) { unflushed.append(segment) }
            return (place, nil)
        } catch {
            return (nil, giveUp(error))
        }
    }

    private func giveUp(_ failure: SpoolFailure) -> String {
        isWorking = false
        // Without an epoch nothing is recovered.
        unlink(epochPath)
        return "\(failure.path): \(failure.reason): results are kept in memory only from now on. "
            + "Make room on that disk, and restart the agent after the run"
    }

    func read(_ place: SpoolPlace) -> [UInt8]? { place.segment.read(place) }

    /// Removes the files that are acknowledged as a whole.
    func acknowledged(_ run: String, _ sequence: UInt64, last: UInt64) {
        guard var files = segments[run], let newest = files.last else { return }
        let old = files.count
        while files.count > 1, files[0].last <= sequence { files.removeFirst().remove() }
        if files.count == 1, sequence >= last, newest.last <= sequence, newest.size > segmentBytes / 8, isWorking,
            let fresh = try? create(run, epoch: epoch, after: last, counts: newest.counts)
        {
            files.append(fresh)
            files.removeFirst().remove()
        } else if files.count == old {
            return
        }
        segments[run] = files
    }

    /// Removes a run's files.
    func remove(_ run: String) {
        guard let files = segments.removeValue(forKey: run) else { return }
        unflushed.removeAll { segment in files.contains { $0 === segment } }
        Files.removeTree("\(directory)/\(run)")
    }

    /// Has what was written since the last call flushed to the disk, by another thread.
    func flush() {
        for segment in unflushed { flusher.flush(segment.duplicate()) }
        unflushed = []
    }
}
