import LoadsWire
import Testing

@testable import loads_cli

@Suite struct LogsTests {
    /// A run's log as a master gives it out: a page of entries for each request.
    private static func entries(_ count: Int, last: String = "ended") -> [LogEntry] {
        (1...count).map { number in
            LogEntry(
                number: number, at: 0, event: RunEvent(kind: number == count ? last : "note", text: "\(number)"))
        }
    }

    @Test(arguments: [1, 1_000, 1_001, 2_500]) func allPagesAreShown(_ count: Int) async throws {
        for last in ["note", "ended"] {
            let log = Self.entries(count, last: last)
            var shown: [Int] = []
            try await LogsCommand.read(follow: false) { next in
                Array(log.dropFirst(next - 1).prefix(1_000))
            } pause: {
                Issue.record("nobody wants to wait")
            } show: {
                shown.append($0.number)
            }
            #expect(shown == Array(1...count))
        }
    }

    @Test func whoFollowsWaitsForMoreUntilTheRunHasEndedAndSeesWhatComesAfterwards() async throws {
        var log = Self.entries(3, last: "note")
        var (shown, pauses) = ([Int](), 0)
        try await LogsCommand.read(follow: true) { next in
            Array(log.dropFirst(next - 1).prefix(2))
        } pause: {
            pauses += 1
            log.append(LogEntry(number: log.count + 1, at: 0, event: RunEvent(kind: "note", text: "")))
            guard pauses == 2 else { return }
            log.append(LogEntry(number: log.count + 1, at: 0, event: RunEvent(kind: "ended", text: "")))
            log.append(LogEntry(number: log.count + 1, at: 0, event: RunEvent(kind: "note", text: "late")))
        } show: {
            shown.append($0.number)
        }
        #expect(shown == Array(1...7) && pauses == 2)
    }
}
