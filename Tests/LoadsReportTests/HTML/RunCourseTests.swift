import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct RunCourseTests {
    private func interval(
        _ second: Int, hits: Int = 1, milliseconds: Double = 2, users: Int = 3, warmUp: Bool = false
    ) -> MeasuredInterval {
        var statistics = Sample.statistics((0..<hits).map { _ in Sample.hit(milliseconds: milliseconds) })
        if warmUp {
            var outer = Statistics()
            outer.warmUp = statistics
            statistics = outer
        }
        statistics.users = users
        return MeasuredInterval(
            statistics: statistics, from: Double(second), to: Double(second + 1), startedAt: 1_700_000_000)
    }

    private func course(_ intervals: [MeasuredInterval]) -> RunCourse {
        var course = RunCourse()
        for interval in intervals { course.take(interval) }
        return course
    }

    @Test func eachSecondIsAPart() {
        let points = course([interval(0, hits: 4), interval(2, hits: 1), interval(0, hits: 2)]).points(duration: 3)
        #expect(points.map(\.part.hits) == [6, 0, 1])
        #expect(points.map(\.from) == [0, 1, 2] && points.map(\.to) == [1, 2, 3])
        #expect(points[0].rate(points[0].part.hits) == 6)
        // Whoever was at work in a second of which nothing is told is so still.
        #expect(points.map(\.part.users) == [3, 3, 3])
    }

    @Test func aLongRunHasABoundedNumberOfPartsThatAreMergedExactly() throws {
        let seconds = 5000
        let course = course((0..<seconds).map { interval($0, milliseconds: Double($0 % 7 + 1)) })
        let points = course.points(duration: Double(seconds))
        #expect(course.width == 16)
        #expect(points.count <= RunCourse.limit && points.count > RunCourse.limit / 4)
        #expect(points.reduce(0) { $0 + $1.part.hits } == seconds)
        // A percentile of a part is that of all its hits: 16 of 1, 2 … 7, 1 … ms.
        var exact = Histogram()
        for second in 16..<32 { exact.record(Int64(second % 7 + 1) * 1_000_000) }
        #expect(points[1].part.latency == exact)
        #expect(points[1].part.latency.percentile(0.95) == 7_000_000)
    }

    @Test func theLastPartEndsWithTheRun() {
        let long = course([interval(0, hits: 10), interval(1, hits: 6)]).points(duration: 1.6)
        #expect(long.map(\.to) == [1, 1.6])
        #expect(abs(long[1].rate(6) - 10) < 1e-9)
        // Too short to tell a rate by.
        let short = course([interval(0, hits: 10), interval(1, hits: 2)]).points(duration: 1.2)
        #expect(short.map(\.part.hits) == [12] && short.map(\.to) == [1.2])
        // All that there is of a run is shown however short it was, and what came after its end is in it.
        let only = course([interval(0, hits: 10), interval(1, hits: 1)]).points(duration: 0.25)
        #expect(only.map(\.part.hits) == [11] && only.map(\.to) == [0.25])
    }

    @Test func aRunWithoutAnythingHasNoParts() {
        #expect(RunCourse().points(duration: 10).isEmpty)
        #expect(course([interval(0)]).points(duration: 0).isEmpty)
    }

    @Test func whatWasBeforeTheAttachmentIsCountedAndNotDrawn() {
        var past = interval(0, hits: 50)
        past.to = 10.25
        past.isBacklog = true
        let course = course([past, interval(10, hits: 3), interval(11, hits: 4)])
        #expect(course.earlierHits == 50)
        let points = course.points(duration: 12)
        #expect(points.map(\.from) == [10.25, 11])
        #expect(points[0].rate(3) == 4)
    }

    @Test func theWarmUpIsDrawnToo() {
        let points = course([interval(0, hits: 5, warmUp: true), interval(1, hits: 7)]).points(duration: 2)
        #expect(points.map(\.part.hits) == [5, 7])
        #expect(points.map(\.part.endedIterations) == [5, 7])
    }

    @Test(arguments: [Double.nan, -5, 1e300]) func aTimeThatIsNoneBreaksNothing(_ time: Double) {
        var odd = interval(0)
        (odd.from, odd.to) = (time, time)
        let course = course([odd])
        #expect(course.points(duration: 1).count <= RunCourse.limit)
    }
}
