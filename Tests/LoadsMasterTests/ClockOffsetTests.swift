import LoadsEventLoop
import Testing

@testable import LoadsMaster

@Suite struct ClockOffsetTests {
    @Test func findsTheOffsetOfASymmetricWay() {
        var clock = ClockOffset()
        #expect(clock.error == nil)
        // The agent is 1000 ahead; 50 there, 10 in between, 50 back.
        clock.take(sent: 5000, received: 6050, answered: 6060, now: 5110)
        #expect(clock.nanoseconds == 1000 && clock.roundTrip == 100 && clock.error == 50)
        #expect(clock.agentTime(Instant(nanoseconds: 7)) == 1007)
    }

    @Test func believesTheShortestRoundTripOfTheLastEight() {
        var clock = ClockOffset()
        clock.take(sent: 0, received: 1010, answered: 1010, now: 20)
        for number in 1...7 {
            clock.take(sent: 0, received: 1000 + Int64(number) * 900, answered: 1000 + Int64(number) * 900, now: 1000)
            #expect(clock.roundTrip == 20 && clock.nanoseconds == 1000)
        }
        // The ninth pushes the best one out.
        clock.take(sent: 0, received: 1400, answered: 1400, now: 800)
        #expect(clock.roundTrip == 800)
    }

    @Test(arguments: [
        (10, 20, 30, 5), (0, 30, 20, 50), (0, 10, 100, 20), (Int64.min, Int64.max, Int64.max, Int64.min),
        (0, Int64.max, Int64.max, 5),
    ])
    func whatCannotBeDoesNoHarm(_ sent: Int64, _ received: Int64, _ answered: Int64, _ now: Int64) {
        var clock = ClockOffset()
        clock.take(sent: sent, received: received, answered: answered, now: now)
        _ = clock.agentTime(Instant(nanoseconds: .max))
    }
}
