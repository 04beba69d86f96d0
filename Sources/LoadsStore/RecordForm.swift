internal import Foundation
internal import LoadsCore
internal import LoadsEventLoop
internal import LoadsMaster
internal import LoadsWire

/// A run's record as JSON in the database, beside its submission, which is stored as the wire's own bytes.
struct RecordForm: Codable {
    var state: String
    var code: Int?
    var message: String?
    var submittedAt: Double
    var startedAt: Double?
    var start: Int64?
    var duration: Double
    var interrupted: Bool
    var stop: Stop?
    var crash: Crash?
    var members: [Member]
    var attempt: Int?
    var changes: [Change]?
    var setUp: SetUp?
    var parent: String?
    var value: Data?
    var nextUser: Int
    var events: Int
    var droppedEvents: Int
    /// Missing in what older releases have stored.
    var thresholds: [ThresholdForm]?

    struct Stop: Codable {
        var abort: Bool
        var reason: String
    }

    struct Change: Codable {
        var at: Double
        var users: Int
        /// Of arrivals: in an hour, in millionths.
        var rate: Int64?
    }

    struct SetUp: Codable {
        var phase: String
        var child: String?
        var value: Data?
        var failure: String?
        var refusalCode: Int?
        var refusal: String?
    }

    struct Crash: Codable {
        var reason: String
        var output: String
        var unreportedStarted: Int
        var unreportedEnded: Int
        var unreportedHits: Int
        var isLoss: Bool?
    }

    struct Member: Codable {
        var agent: String
        var name: String
        var epoch: String
        var attempt: Int?
        var cores: Int
        var phase: String
        var released: Bool
        var firstUser: Int
        var users: Int
        var peakUsers: Int
        var adjustment: [Int64]?
        /// An adjustment that changes the model, as the wire's own bytes.
        var change: Data?
        var missing: Missing?
        var gaveUp: Missing?
        var startSkew: Double?
        var clockError: Double?
    }

    struct Missing: Codable {
        var from: Double
        var to: Double?
        var hits: Int?
        var reason: String
    }

    init(_ record: RunRecord) {
        switch record.state {
        case .queued: state = "queued"
        case .preparing: state = "preparing"
        case .running: state = "running"
        case .stopping: state = "stopping"
        case .ended: state = "ended"
        case .refused(let code, let message):
            state = "refused"
            self.code = code
            self.message = message
        }
        submittedAt = record.submittedAt
        startedAt = record.startedAt
        start = record.start?.nanoseconds
        duration = record.duration
        interrupted = record.interrupted
        stop = record.stop.map { Stop(abort: $0.abort, reason: $0.reason) }
        crash = record.crash.map {
            Crash(
                reason: $0.reason, output: $0.output, unreportedStarted: $0.unreportedStarted,
                unreportedEnded: $0.unreportedEnded, unreportedHits: $0.unreportedHits, isLoss: $0.isLoss)
        }
        changes = record.changes.map { Change(at: $0.at, users: $0.users, rate: $0.rate?.microPerHour) }
        members = record.members.map(Member.init)
        attempt = record.attempt
        setUp = record.setUp.map { setUp in
            SetUp(
                phase: setUp.phase.rawValue, child: setUp.child, value: setUp.value.map { Data($0) },
                failure: setUp.failure, refusalCode: setUp.refusal?.code, refusal: setUp.refusal?.message)
        }
        parent = record.parent
        value = record.value.map { Data($0) }
        nextUser = record.nextUser
        events = record.events
        droppedEvents = record.droppedEvents
        thresholds = record.thresholds.map(ThresholdForm.init)
    }

    /// The record again.
    ///
    /// - Parameter submission: The bytes that are stored beside it.
    func record(_ submission: [UInt8]) throws -> RunRecord {
        guard case .submit(let submission) = try ClientRequest(decoding: submission).ask else {
            throw StorageError(code: .foreign, message: "a run is stored without its submission")
        }
        var record = RunRecord(submission: submission, submittedAt: submittedAt)
        record.state =
            switch state {
            case "queued": .queued
            case "preparing": .preparing
            case "running": .running
            case "stopping": .stopping
            case "refused": .refused(code: code ?? 70, message: message ?? "")
            default: .ended
            }
        record.startedAt = startedAt
        record.start = start.map { Instant(nanoseconds: $0) }
        record.duration = duration
        record.interrupted = interrupted
        record.stop = stop.map { RunRecord.Stop(abort: $0.abort, reason: $0.reason) }
        record.crash = crash.map {
            RunnerCrash(
                reason: $0.reason, output: $0.output, unreportedStarted: $0.unreportedStarted,
                unreportedEnded: $0.unreportedEnded, unreportedHits: $0.unreportedHits)
        }
        record.crash?.isLoss = crash?.isLoss ?? false
        record.changes = (changes ?? []).map { stored in
            var change = UserChange(at: stored.at, users: stored.users)
            change.rate = stored.rate.map { ArrivalRate(microPerHour: $0) }
            return change
        }
        record.members = members.map(\.member)
        record.attempt = attempt ?? 0
        record.setUp = setUp.map(\.setUp)
        record.parent = parent
        record.value = value.map { [UInt8]($0) }
        record.nextUser = nextUser
        record.events = events
        record.droppedEvents = droppedEvents
        record.thresholds = try (thresholds ?? []).map { try $0.result() }
        return record
    }
}

extension RecordForm.SetUp {
    fileprivate var setUp: RunRecord.SetUp {
        var setUp = RunRecord.SetUp()
        setUp.phase = RunRecord.SetUp.Phase(rawValue: phase) ?? .over
        setUp.child = child
        setUp.value = value.map { [UInt8]($0) }
        setUp.failure = failure
        if let refusal { setUp.refusal = RunRecord.Refusal(code: refusalCode ?? 70, message: refusal) }
        return setUp
    }
}

extension RecordForm.Member {
    init(_ member: RunMember) {
        agent = member.agent
        name = member.name
        epoch = member.epoch
        attempt = member.attempt
        cores = member.cores
        phase = member.phase.rawValue
        released = member.released
        firstUser = member.firstUser
        users = member.users
        peakUsers = member.peakUsers
        adjustment = member.adjustment.map { [Int64($0.users), Int64($0.firstNewUser), $0.at] }
        change = member.adjustment.flatMap { $0.change == nil ? nil : Data($0.encoded()) }
        missing = member.missing.map(RecordForm.Missing.init)
        gaveUp = member.gaveUp.map(RecordForm.Missing.init)
        startSkew = member.startSkew
        clockError = member.clockError
    }

    var member: RunMember {
        var member = RunMember(
            agent: agent, name: name, epoch: epoch, attempt: attempt ?? 0, cores: cores, firstUser: firstUser,
            users: users)
        member.phase = RunMember.Phase(rawValue: phase) ?? .lost
        member.released = released
        member.peakUsers = peakUsers
        if let adjustment, adjustment.count == 3 {
            member.adjustment = Adjustment(
                users: Int(adjustment[0]), firstNewUser: Int(adjustment[1]), at: adjustment[2])
        }
        if let change { member.adjustment = (try? Adjustment(decoding: [UInt8](change))) ?? member.adjustment }
        member.missing = missing?.missing
        member.gaveUp = gaveUp?.missing
        member.startSkew = startSkew
        member.clockError = clockError
        return member
    }
}

extension RecordForm.Missing {
    init(_ missing: AgentShare.Missing) {
        self.init(from: missing.from, to: missing.to, hits: missing.hits, reason: missing.reason)
    }

    var missing: AgentShare.Missing { AgentShare.Missing(from: from, to: to, hits: hits, reason: reason) }
}
