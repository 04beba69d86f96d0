import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct ProgressFiguresTests {
    private let figures = ProgressFigures(
        elapsed: 1, fraction: 0.5, remaining: 1, iterations: 50, failedIterations: 0, hits: 50, failedHits: 0, rate: 50,
        latency95: 2_000_000)

    @Test func isOneLineOfTheTerminalsWidth() {
        for width in [20, 40, 80, 120] { #expect(figures.bar(Style(width: width)).count < width) }
        let bar = figures.bar(Style(width: 100))
        for part in ["███", "░░░", "50 %", "50 hits", "50.0/s", "p95 2.0 ms", "0 failed", "1.0 s left"] {
            #expect(bar.contains(part), "\(part) is not in \(bar)")
        }
    }

    @Test func thresholdsStandWithTheirValuesTheBreachedFirst() throws {
        var figures = figures
        figures.thresholds = [
            ThresholdResult(threshold: try Threshold("p95 < 200ms"), state: .passed, actual: 134e6),
            ThresholdResult(threshold: try Threshold("p99 < 1s"), doubt: .noSamples),
            ThresholdResult(threshold: try Threshold("errors < 1%"), state: .breached, actual: 0.02),
        ]
        #expect(
            figures.line
                == "1.0 s: 50 %, 50 hits, 50.0/s, p95 2.0 ms, 0 failed, ✗ errors < 1%: 2 %, ✓ p95 < 200ms: 134 ms, 1.0 s left"
        )
        #expect(figures.bar(Style(colors: true, width: 160)).contains("\u{1b}[31m"))
        #expect(figures.bar(Style(width: 80)).count < 80)
    }

    @Test func isALineOfALog() {
        #expect(figures.line == "1.0 s: 50 %, 50 hits, 50.0/s, p95 2.0 ms, 0 failed, 1.0 s left")
    }

    @Test func pastThePlansEndNothingIsWanted() {
        var figures = figures
        (figures.arrivals, figures.remaining) = ((79.7, 160), 2)
        #expect(figures.line == "1.0 s: 50 %, 79.7 of 160/s wanted, 50 hits, 50.0/s, p95 2.0 ms, 0 failed, 2.0 s left")
        (figures.arrivals, figures.remaining) = ((79.7, 0), 0)
        #expect(
            figures.line
                == "1.0 s: 50 %, 79.7 a second, no more due, 50 hits, 50.0/s, p95 2.0 ms, 0 failed, the last ones end")
    }

    @Test func showsIterationsWhereThereAreNoHits() {
        let figures = ProgressFigures(
            elapsed: 70, fraction: nil, remaining: nil, iterations: 1234, failedIterations: 5, hits: 0, failedHits: 0,
            rate: 17.6, latency95: nil, stopping: true)
        #expect(figures.line == "1 m 10 s: 1,234 iterations, 17.6/s, 5 iterations failed, stopping")
    }
}
