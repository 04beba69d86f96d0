import Foundation
import LoadsEventLoop
import Testing

@testable import LoadsCore

/// What plans come to, recorded in `Vectors/plans.json`: the libraries in `Clients/` are checked against the same file, so
/// that agents in all languages share a run's arrivals and users without a gap and without an overlap.
///
/// `LOADS_RECORD_VECTORS=1 swift test --filter SharedVectorTests` writes it anew, after a deliberate change.
@Suite struct SharedVectorTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/plans.json")

    @Test func plansComeToWhatIsRecorded() throws {
        let text = Self.text
        if ProcessInfo.processInfo.environment["LOADS_RECORD_VECTORS"] != nil {
            try Data(text.utf8).write(to: Self.file)
        }
        let recorded = String(decoding: try Data(contentsOf: Self.file), as: UTF8.self)
        for (now, then) in zip(text.split(separator: "\n"), recorded.split(separator: "\n")) { #expect(now == then) }
        #expect(text.count == recorded.count)
    }

    private static var text: String {
        let chapters = [
            ("schedules", schedules.map(schedule)), ("stripes", stripes.map(stripe)), ("cursors", cursors),
            ("timelines", timelines), ("draws", draws),
        ]
        let parts = chapters.map { name, entries in "\"\(name)\": [\n" + entries.joined(separator: ",\n") + "\n]" }
        return "{\n" + parts.joined(separator: ",\n") + "\n}\n"
    }

    // MARK: Schedules

    private static func stages(_ list: (Int, String)...) -> [RateStage] {
        list.map { RateStage(duration: .milliseconds($0.0), rate: try! ArrivalRate.parse($0.1)) }
    }

    private static let schedules: [[RateStage]] = [
        stages((0, "500/s"), (10_000, "500/s")),
        stages((0, "0.1/s"), (10_001, "0.1/s")),
        stages((0, "7/m"), (300_000, "7/m")),
        stages((0, "0.000001/h"), (3_600_000, "0.000001/h")),
        stages((0, "3/s"), (1_000, "3/s"), (0, "0/s"), (5_000, "0/s"), (0, "10/s"), (1_001, "10/s")),
        stages((10_000, "100/s")),
        stages((0, "100/s"), (10_000, "0/s")),
        stages((30_000, "500/s"), (120_000, "500/s"), (10_000, "0/s")),
        stages((7_333, "33.3/s"), (1, "90/m"), (11_119, "1234.567/s"), (0, "20/h"), (90_001, "0.77/s"), (13, "9999/s")),
        [RateStage(duration: .nanoseconds(1_234_567_891), rate: ArrivalRate(microPerHour: 987_654_321_987))],
        stages((0, "10000000/s"), (1_000, "10000000/s")),
        stages((0, "1/m"), (31_536_000_000, "1/m")),
        stages((1_000, "0/s")),
    ]

    private static func schedule(_ stages: [RateStage]) -> String {
        let schedule = Schedule(stages)
        let last = max(0, schedule.total - 1)
        var numbers = Array(0..<min(40, schedule.total))
        numbers += [1, 2, 3, 5, 8].flatMap { [last * $0 / 9, last * $0 / 9 + 1] } + [last, last + 1]
        let times = Set(numbers).sorted().map { "[\($0),\(schedule.time(of: $0).map { "\($0)" } ?? "null")]" }
        let length = schedule.length
        let counts = [0, 1, length / 7, length / 3, length / 2, length - 1, length].map {
            "[\($0),\(schedule.count(before: $0))]"
        }
        return #"{"stages":\#(text(stages)),"total":\#(schedule.total),"length_ns":\#(length),"#
            + #""times":\#(list(times)),"counts":\#(list(counts))}"#
    }

    // MARK: Stripes

    private static let stripes =
        [Stripe.whole, .none, Stripe([5..<1_000_000_000, 3_000_000_000..<4_294_967_296])]
        + Stripe.whole.divided(by: [3, 1, 2]) + [Stripe.whole.divided(into: 37)[17]]

    private static func stripe(_ stripe: Stripe) -> String {
        let numbers = (0..<300).filter { stripe.owns($0) }
        // Far out: what a program computes with few bits goes wrong there.
        let far = (0..<40).map { 4_294_967_290 + $0 }.filter { stripe.owns($0) }
        return
            #"{"stripe":\#(text(stripe)),"below_300":\#(list(numbers)),"from_4294967290_to_4294967329":\#(list(far))}"#
    }

    // MARK: Arrivals one after the other

    private struct Course {
        var arrivals: Arrivals
        /// Other arrivals, from when they count, and when they are heard of.
        var change: (arrivals: Arrivals, from: Int64, heard: Int64)?
    }

    private static var cursors: [String] {
        let thirds = Stripe.whole.divided(by: [3, 1, 2])
        func arrivals(_ stages: [RateStage], _ stripe: Stripe, poisson: Bool = false, seed: Int = 0) -> Arrivals {
            Arrivals(stages: stages, maxUsers: 5, queue: 7, poisson: poisson, seed: seed, stripe: stripe)
        }
        let plain = stages((0, "20/s"), (3_000, "20/s"))
        var courses = (thirds + [.whole]).map { Course(arrivals: arrivals(plain, $0)) }
        courses += thirds.map { Course(arrivals: arrivals(stages((2_000, "30/s"), (1_000, "5/s")), $0)) }
        let faster = stages((0, "20/s"), (1_000, "20/s"), (0, "73/s"), (2_000, "73/s"))
        let slower = stages((0, "20/s"), (1_000, "20/s"), (0, "2/s"), (2_000, "2/s"))
        for (changed, heard) in [(faster, 400_000_000), (slower, 999_999_999), (faster, 1_300_000_000)] {
            courses += thirds.map {
                Course(arrivals: arrivals(plain, $0), change: (arrivals(changed, $0), 1_000_000_000, Int64(heard)))
            }
        }
        // A third of the run's agents is lost: what was its is shared by the others.
        let heirs = zip(thirds, thirds[2].divided(into: 2)).map { $0.joined(with: $1) }
        courses += zip(thirds, heirs).map { mine, more in
            Course(arrivals: arrivals(plain, mine), change: (arrivals(plain, more), 1_000_000_000, 500_000_000))
        }
        courses += [1, 9_007_199_254_740_991].map {
            Course(arrivals: arrivals(plain, thirds[0], poisson: true, seed: $0))
        }
        courses.append(
            Course(
                arrivals: arrivals(plain, thirds[2], poisson: true, seed: 7),
                change: (arrivals(faster, thirds[2], poisson: true, seed: 7), 1_000_000_000, 300_000_000)))
        return courses.map(course)
    }

    private static func course(_ course: Course) -> String {
        var cursor = ArrivalCursor(course.arrivals, salt: 0)
        var times: [Int64] = []
        func run(until end: Int64) {
            while let due = cursor.due, due < end {
                times.append(due)
                cursor.advance()
            }
        }
        var fields = #""arrivals":\#(text(course.arrivals))"#
        if let change = course.change {
            run(until: change.heard)
            cursor.change(to: change.arrivals, from: change.from)
            fields += #","change":\#(text(change.arrivals)),"from_ns":\#(change.from),"heard_ns":\#(change.heard)"#
        }
        run(until: .max)
        return "{\(fields),\"times\":\(list(times))}"
    }

    // MARK: Users that come and go

    private static var timelines: [String] {
        func stages(_ list: (Int, Int)...) -> [UserStage] {
            list.map { UserStage(duration: .milliseconds($0.0), users: $0.1) }
        }
        let plans = [
            stages((3_000, 5), (2_000, 5), (1_000, 0)), stages((0, 7), (1_001, 3), (0, 9), (333, 9)),
            stages((1_000, 30), (700, 11), (0, 0), (500, 0), (500, 2)),
        ]
        return plans.flatMap { stages in
            ([.whole] + Stripe.whole.divided(by: [1, 2])).map { timeline(UserStages(stages: stages, stripe: $0)) }
        }
    }

    private static func timeline(_ users: UserStages) -> String {
        let timeline = UserTimeline(users)
        var time: Int64 = 0
        var moves = ["[0,\(timeline.count(at: 0))]"]
        while let next = timeline.next(after: time) {
            time = next
            moves.append("[\(next),\(timeline.count(at: next))]")
        }
        let stages = users.stages.map {
            #"{"duration_ns":\#($0.duration.wholeNanoseconds),"users":\#($0.users)}"#
        }
        return #"{"user_stages":{"stages":\#(list(stages)),"stripe":\#(text(users.stripe))},"moves":\#(list(moves))}"#
    }

    // MARK: Random numbers

    private static var draws: [String] {
        let times: [ThinkTime] = [
            .constant(.milliseconds(1500)), .uniform(.seconds(1), .seconds(3)),
            .normal(mean: .seconds(1), deviation: .milliseconds(700)), .exponential(mean: .seconds(2)),
        ]
        return [0, 1, 34, 9_007_199_254_740_991].flatMap { seed in times.map { draw($0, seed: seed) } }
    }

    private static func draw(_ think: ThinkTime, seed: UInt64) -> String {
        var plain = SplitMix(seed: seed)
        var random = SplitMix(seed: seed)
        // As texts: not every language has whole numbers of 64 bits.
        let numbers = (0..<3).map { _ in "\"\(plain.next())\"" }
        let times = (0..<12).map { _ in think.draw(&random) }
        let parameters = think.parameters.map(\.wholeNanoseconds)
        return
            #"{"seed":\#(seed),"numbers":\#(list(numbers)),"think":{"kind":"\#(think.kind)","ns":\#(list(parameters))},"#
            + #""times_ns":\#(list(times))}"#
    }

    // MARK: JSON

    private static func list<Element>(_ elements: [Element]) -> String {
        "[" + elements.map { "\($0)" }.joined(separator: ",") + "]"
    }

    private static func text(_ stages: [RateStage]) -> String {
        list(
            stages.map {
                #"{"duration_ns":\#($0.duration.wholeNanoseconds),"rate_uph":\#($0.rate.microPerHour)}"#
            })
    }

    private static func text(_ stripe: Stripe) -> String {
        list(stripe.ranges.flatMap { [$0.lowerBound, $0.upperBound] })
    }

    private static func text(_ arrivals: Arrivals) -> String {
        #"{"stages":\#(text(arrivals.stages)),"max_users":\#(arrivals.maxUsers),"queue":\#(arrivals.queue),"#
            + #""poisson":\#(arrivals.poisson),"seed":\#(arrivals.seed),"stripe":\#(text(arrivals.stripe))}"#
    }
}
