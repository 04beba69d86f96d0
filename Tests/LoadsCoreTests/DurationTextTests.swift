import LoadsCore
import TestSupport
import Testing

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("10s", Duration.seconds(10)), ("2m", .seconds(120)), ("1h30m", .seconds(5400)), ("1m30s", .seconds(90)),
        ("500ms", .milliseconds(500)), ("1.5s", .milliseconds(1500)), ("0", .zero), ("0s", .zero),
        ("1d", .seconds(86_400)),
        ("250us", .microseconds(250)), ("250µs", .microseconds(250)), ("7ns", .nanoseconds(7)), (" 3s ", .seconds(3)),
        ("2h0.5s", .milliseconds(7_200_500)), ("0.1s", .milliseconds(100)),
    ])
    func readsWhatPeopleWrite(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        "", " ", "x", "10x", "s", "-1s", "+1s", "1e3s", "10 s", "1s1m", "1s1s", "1..5s", ".s", "1.s", ".5s", "1m30",
        "1,5s",
        "10S", "nan", "infs", "٣s", "99999999999999999999d", "367d", "1000000000000000000000ns",
    ])
    func refusesTheRest(text: String) {
        #expect(throws: InvalidDuration.self) { try DurationText.parse(text) }
    }

    @Test func saysWhatWouldBeRight() {
        #expect(message("10x") == "10x: not a duration (try 10s, 2m, 1h30m)")
        #expect(message("10") == "10: not a duration, the unit is missing (try 10s, 2m, 1h30m)")
        #expect(message("400d") == "400d: longer than a year (try 10s, 2m, 1h30m)")
    }

    private func message(_ text: String) -> String? {
        do throws(InvalidDuration) {
            _ = try DurationText.parse(text)
            return nil
        } catch { return error.description }
    }

    @Test(arguments: [
        (Duration.zero, "0s"), (.seconds(90), "1m30s"), (.milliseconds(1500), "1.5s"), (.milliseconds(250), "250ms"),
        (.nanoseconds(1_050_000), "1.05ms"), (.nanoseconds(12), "12ns"), (.microseconds(3), "3us"),
        (.seconds(7200), "2h"),
        (.seconds(-5), "-5s"), (.milliseconds(60_001), "1m1ms"),
    ])
    func writesThemReadably(duration: Duration, text: String) {
        #expect(DurationText.text(duration) == text)
    }

    @Test func readsWhatItWrites() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let digits = Int.random(in: 0...15, using: &generator)
            var bound: Int64 = 10
            for _ in 0..<digits { bound *= 10 }
            let duration = Duration.nanoseconds(Int64.random(in: 0..<bound, using: &generator))
            let text = DurationText.text(duration)
            #expect(try DurationText.parse(text) == duration, "\(text)")
        }
    }
}
