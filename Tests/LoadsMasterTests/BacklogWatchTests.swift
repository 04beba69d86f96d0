import LoadsEventLoop
import Testing

@testable import LoadsMaster

@Suite struct BacklogWatchTests {
    private func waiting(_ agent: String, _ messages: Int, _ bytes: Int = 0) -> BacklogWatch.Waiting {
        BacklogWatch.Waiting(agent: agent, messages: messages, bytes: bytes)
    }

    private func second(_ number: Int64) -> Instant { Instant(nanoseconds: number * 1_000_000_000) }

    /// Ten seconds of batches, or what an agent may send ahead.
    @Test(
        arguments: [
            (100, 0, 100, true), (99, 0, 100, false), (10, 0, 1_000, true), (9, 0, 1_000, false),
            (1, 16 << 20, 100, true),
            (1, (16 << 20) - 1, 100, false),
        ])
    func whatWaitsForAWhileIsTold(messages: Int, bytes: Int, interval: Int, told: Bool) {
        var watch = BacklogWatch()
        var changes: [BacklogWatch.Change] = []
        for number in 0..<20 {
            let agents = [waiting("a", 1), waiting("b", messages, bytes)]
            if let change = watch.look(agents, batchInterval: .milliseconds(interval), at: second(Int64(number))) {
                changes.append(change)
            }
        }
        #expect(changes == (told ? [.behind(waiting("b", messages, bytes))] : []))
    }

    @Test func whatGatheredInACutIsGoneSoonEnough() {
        var watch = BacklogWatch()
        for (number, messages) in [300, 250, 200, 120, 90, 300, 200].enumerated() {
            #expect(
                watch.look([waiting("a", messages)], batchInterval: .milliseconds(100), at: second(Int64(number)))
                    == nil)
        }
    }

    @Test func theEndOfItIsToldOnceMostHasCome() {
        var watch = BacklogWatch()
        var changes: [BacklogWatch.Change?] = []
        for (number, messages) in [200, 200, 200, 200, 200, 200, 90, 30, 24, 0, 0].enumerated() {
            changes.append(
                watch.look([waiting("a", messages)], batchInterval: .milliseconds(100), at: second(Int64(number))))
        }
        #expect(changes == [nil, nil, nil, nil, nil, .behind(waiting("a", 200)), nil, nil, .caughtUp, nil, nil])
        // An agent that is away does not hold it up.
        #expect(watch.look([], batchInterval: .milliseconds(100), at: second(20)) == nil)
    }
}
