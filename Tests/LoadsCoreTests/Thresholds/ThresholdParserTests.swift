import LoadsCore
import TestSupport
import Testing

@Suite struct ThresholdParserTests {
    @Test(arguments: [
        ("p95 < 200ms", Measure.Function.percentile(0.95), Measure.Subject.all, 200e6, Quantity.Unit.time),
        ("p99.9<=1m30s", .percentile(0.999), .all, 90e9, .time),
        ("p50 < 1.5 s", .percentile(0.5), .all, 1.5e9, .time),
        ("p99(GET /login) < 1s", .percentile(0.99), .hit("GET /login"), 1e9, .time),
        ("p95(GET /items/(id)/x) < 1s", .percentile(0.95), .hit("GET /items/(id)/x"), 1e9, .time),
        ("p95(\"a)\\\"b\") < 1s", .percentile(0.95), .hit("a)\"b"), 1e9, .time),
        ("max( hit service ) < 1s", .max, .hit("service"), 1e9, .time),
        ("max(service) < 1s", .max, .service, 1e9, .time),
        ("median(iterations) < 20us", .percentile(0.5), .iterations, 20e3, .time),
        ("p99(response) < 20µs", .percentile(0.99), .response, 20e3, .time),
        ("p99(lag) < 1ms", .percentile(0.99), .lag, 1e6, .time),
        ("mean(step checkout) < 2s", .mean, .step("checkout"), 2e9, .time),
        ("min(metric basket) >= 3", .min, .metric("basket"), 3, .number),
        ("p90(metric cart) < 30ms", .percentile(0.9), .metric("cart"), 30e6, .time),
        ("last(metric temperature) > -5", .last, .metric("temperature"), -5, .number),
        ("share(metric hit) > 95%", .share, .metric("hit"), 0.95, .share),
        ("sum(metric orders) >= 1000", .sum, .metric("orders"), 1000, .number),
        ("rate(metric orders) > 10/s", .rate, .metric("orders"), 10, .perSecond),
        ("errors < 1%", .errors, .all, 0.01, .share),
        ("errors == 0", .errors, .all, 0, .number),
        ("errors(step pay) < 2", .errors, .step("pay"), 2, .number),
        ("failures<0.5 %", .failures, .all, 0.005, .share),
        ("dropped <= 0%", .dropped, .all, 0, .share),
        ("checks(has token) > 99%", .checks, .check("has token"), 0.99, .share),
        ("checks(check \"a\") ≥ 99%", .checks, .check("a"), 0.99, .share),
        ("rate > 900/s", .rate, .all, 900, .perSecond),
        ("rate(iterations) > 90 /m", .rate, .iterations, 1.5, .perSecond),
        ("hits(GET /) > 100", .hits, .hit("GET /"), 100, .number),
        ("iterations >= 10/s", .iterations, .all, 10, .perSecond),
        ("bytes < 10MiB/s", .bytes, .all, 10_485_760, .bytesPerSecond),
        ("bytes < 5 GB", .bytes, .all, 5e9, .bytes),
        ("count(hit GET /) > 5", .count, .hit("GET /"), 5, .number),
        ("p95(step) < 1s", .percentile(0.95), .hit("step"), 1e9, .time),
        ("p95(step ) < 1s", .percentile(0.95), .hit("step"), 1e9, .time),
    ])
    func reads(
        _ text: String, _ function: Measure.Function, _ subject: Measure.Subject, _ value: Double, _ unit: Quantity.Unit
    ) throws {
        let threshold = try Threshold(text)
        #expect(threshold.measure.function == function)
        #expect(threshold.measure.subject == subject)
        #expect(abs(threshold.limit.value - value) <= abs(value) * 1e-12)
        #expect(threshold.limit.unit == unit)
        #expect(threshold.expression == text)
    }

    @Test func readsTheClausesInAnyOrder() throws {
        let all = try Threshold(" p95 < 200ms over 10s for 30s after 1m min 100 samples abort ")
        #expect(all.expression == "p95 < 200ms over 10s for 30s after 1m min 100 samples abort")
        #expect(all.window == 10)
        #expect(all.persistence == 30)
        #expect(all.delay == 60)
        #expect(all.minimum == 100)
        #expect(all.aborts)
        let shuffled = try Threshold("p95 < 200ms abort min 100 after 1 m for 30s over 10 s")
        #expect(shuffled.window == 10 && shuffled.persistence == 30 && shuffled.delay == 60)
        #expect(shuffled.minimum == 100 && shuffled.aborts)
        let none = try Threshold("p95 < 200ms")
        #expect(none.window == nil && none.persistence == 0 && none.delay == 0 && none.minimum == 0 && !none.aborts)
        #expect(try Threshold("p95 < 1s for 5s").window == 1, "what goes on for a while is judged second by second")
    }

    @Test(arguments: [
        ("", 0, "a measure is expected"),
        ("p95", 3, "a comparison is expected"),
        ("p95 < ", 6, "a number is expected (try 200ms)"),
        ("p95 << 200ms", 4, "<< is no comparison"),
        ("p95 = 200ms", 4, "= is no comparison"),
        ("p95 < 200", 9, "the unit is missing (try 200ms)"),
        ("p95 < 200 over 10s", 9, "the unit is missing"),
        ("p95 < 1%", 7, "not in this unit (try 200ms)"),
        ("p101 < 1s", 1, "no percentile"),
        ("p9.9.9 < 1s", 1, "no percentile"),
        ("pfoo < 1s", 0, "pfoo is no measure"),
        ("latency < 1s", 0, "latency is no measure"),
        ("p95(GET / < 1s", 3, "the parenthesis is not closed"),
        ("p95(\"GET / < 1s", 4, "the quotation mark is not closed"),
        ("p95(\"a\" b) < 1s", 8, ") is expected"),
        ("p95() < 1s", 4, "the name is empty"),
        ("p95(check a) < 1s", 4, "p95 of this cannot be had"),
        ("errors(iterations) < 1%", 7, "errors of this cannot be had"),
        ("sum > 3", 4, "sum is of something"),
        ("errors < 101%", 9, "a share is at most 100 %"),
        ("errors < 0", 9, "nothing is below 0"),
        ("errors >= 0%", 10, "everything is at least 0"),
        ("checks > 100%", 9, "a share is at most 100 %"),
        ("rate > 900", 10, "the unit is missing (try 900/s)"),
        ("rate > 900/x", 10, "/s, /m or /h is expected"),
        ("rate > -3/s", 7, "this is never negative"),
        ("rate > 9..3/s", 7, "not a number"),
        ("rate > 3/s soon", 11, "not understood"),
        ("rate > 3/s over", 15, "a time is expected"),
        ("rate > 3/s over 500ms", 16, "whole seconds are expected"),
        ("rate > 3/s over 2h", 16, "longer than 1h"),
        ("rate > 3/s over 10x", 16, "10x: not a duration"),
        ("rate > 3/s over 10s over 10s", 20, "over stands twice"),
        ("rate > 3/s abort abort", 17, "abort stands twice"),
        ("rate > 3/s min many", 15, "a number of samples is expected"),
        ("p95 < 1s2m", 6, "not a duration"),
    ])
    func pointsAtWhatIsWrong(_ text: String, _ offset: Int, _ reason: String) throws {
        let fault = try #require(throws: ThresholdSyntaxError.self) { try Threshold(text) }
        #expect(fault.offset == offset)
        #expect(fault.reason.contains(reason), "\(fault.reason)")
        let lines = "\(fault)".split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 3)
        #expect(lines[1] == "    " + text)
        #expect(lines[2].count == 4 + offset + 1 && lines[2].hasSuffix("^"))
    }

    @Test func whatHasControlCharactersOrNoEndIsShownHarmlessly() throws {
        let fault = try #require(throws: ThresholdSyntaxError.self) { try Threshold("p95\u{1b}[31m\n< 1s") }
        #expect(!fault.description.contains("\u{1b}"))
        #expect(fault.description.split(separator: "\n").count == 3)
        #expect(throws: ThresholdSyntaxError.self) { try Threshold(String(repeating: "x", count: 2000)) }
    }

    /// Whatever the text is, it is a threshold or a fault within it; and what was read reads again as the same.
    @Test func neverTrapsAndAlwaysPointsIntoTheText() {
        let parts = [
            "p95", "p", "p99.9", "median", "errors", "checks", "rate", "(", ")", "\"", "\\", "step", "metric", "hit",
            "iterations", "<", "<=", "==", "≥", "200", "200ms", "1%", "/s", "/", "-", "1m30s", "KiB", "over", "for",
            "after", "min", "samples", "abort", " ", "  ", "é", "👩‍👩‍👧", "\n", "\u{0}", "GET /", ".", "9999999999999999999",
            "1e9", "d",
        ]
        // Also whole ones among the parts: that one of them stands alone is certain.
        let whole = ["p95 < 200ms", "errors(a b) <= 1% over 10s for 30s", "rate >= 3/s after 1m abort"]
        var random = SeededGenerator(seed: 1)
        var valid = 0
        for round in 0..<20_000 {
            let count = round < whole.count ? 0 : Int.random(in: 0...12, using: &random)
            let text =
                round < whole.count
                ? whole[round]
                : (0..<count).map { _ in (parts + whole).randomElement(using: &random)! }
                    .joined(separator: Bool.random(using: &random) ? " " : "")
            do throws(ThresholdSyntaxError) {
                let threshold = try Threshold(text)
                valid += 1
                #expect((try? Threshold(threshold.expression)) == threshold, "\(text)")
            } catch {
                #expect((0...error.text.count).contains(error.offset), "\(text)")
            }
        }
        #expect(valid >= whole.count)
    }

    /// Every sentence of the grammar is read as what it says.
    @Test func readsWhateverTheGrammarMakes() throws {
        var random = SeededGenerator(seed: 2)
        let heads: [(String, String)] = [
            ("p\(Int.random(in: 0...99, using: &random))", "ms"), ("errors", "%"), ("rate", "/s"), ("bytes", "MiB"),
            ("hits", ""),
            ("mean(step a b)", "s"), ("checks(c (d))", "%"), ("max(\"x)\")", "us"), ("count(metric m)", ""),
        ]
        for _ in 0..<5_000 {
            let (head, unit) = heads.randomElement(using: &random)!
            let value = Int.random(in: 1...99, using: &random)
            let comparison = Threshold.Comparison.allCases.randomElement(using: &random)!
            let window = Int.random(in: 1...3600, using: &random)
            let persistence = Int.random(in: 1...3600, using: &random)
            let minimum = Int.random(in: 1...1000, using: &random)
            let clauses = ["over \(window)s", "for \(persistence)s", "min \(minimum)", "abort"].shuffled(using: &random)
            let text = "\(head) \(comparison.rawValue) \(value)\(unit) " + clauses.joined(separator: " ")
            let threshold = try Threshold(text)
            #expect(threshold.comparison == comparison)
            #expect(threshold.window == window)
            #expect(threshold.persistence == persistence)
            #expect(threshold.minimum == minimum)
            #expect(threshold.aborts)
        }
    }
}
