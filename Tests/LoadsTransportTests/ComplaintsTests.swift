import LoadsEventLoop
import LoadsTransport
import Testing

@Suite struct ComplaintsTests {
    @Test func aComplaintIsToldOnceInAWhileAndHidesNoOther() {
        var meter = Complaints()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        #expect(meter.note("a", at: start) == "a")
        #expect(meter.note("b", at: start) == "b")
        for second in 1...9 { #expect(meter.note("a", at: start.advanced(by: .seconds(second))) == nil) }
        #expect(meter.note("a", at: start.advanced(by: .seconds(11))) == "a (and 9 times before)")
        #expect(meter.note("a", at: start.advanced(by: .seconds(22))) == "a")
    }

    @Test func aFloodOfDifferentComplaintsIsBounded() {
        var meter = Complaints()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        let told = (0..<10_000).compactMap { meter.note("peer \($0)", at: start) }
        #expect(told.count == Complaints.limit + 1)
        #expect(told.last == "there are many other complaints, too")
        let later = start.advanced(by: .seconds(11))
        #expect(meter.note("peer 70000", at: later) == "peer 70000")
    }
}
