import LoadsCore
import Testing

@testable import LoadsReport

@Suite struct ChartTests {
    @Test(arguments: [
        (7.0, 8.0, 2.0), (10, 10, 2), (0.03, 0.03, 0.01), (1234, 1250, 250), (99.5, 100, 20), (1, 1, 0.2),
        (100_001, 125_000, 25_000), (0, 1, 0.5), (.infinity, 1, 0.5), (.nan, 1, 0.5),
    ])
    func axesEndAtRoundNumbers(_ largest: Double, _ end: Double, _ step: Double) {
        let round = ChartAxis.roundEnd(largest)
        #expect(abs(round.end - end) < end * 1e-9 && abs(round.step - step) < step * 1e-9, "\(round)")
    }

    @Test func amountsHaveAFewMarksWithTheDecimalsThatTheyNeed() {
        #expect(
            ChartAxis.amounts(upTo: 1234, title: "").ticks.map(\.label) == ["0", "250", "500", "750", "1,000", "1,250"])
        #expect(
            ChartAxis.amounts(upTo: 0.9, title: "").ticks.map(\.label) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(ChartAxis.amounts(upTo: 2, title: "", areWhole: true).ticks.map(\.label) == ["0", "1", "2"])
        for exponent in -30...60 {
            let largest = 1.37 * Double(sign: .plus, exponent: exponent, significand: 1)
            let axis = ChartAxis.amounts(upTo: largest, title: "")
            #expect((3...8).contains(axis.ticks.count) && axis.high >= largest * 0.999, "\(largest)")
            #expect(axis.share(largest) > 0.6)
        }
    }

    @Test func timesHaveTheUnitOfTheLargest() {
        let axis = ChartAxis.times([1e6, 2e6, 4.1e6], title: "time")
        #expect(axis.title == "time in ms" && !axis.isLogarithmic && axis.low == 0 && axis.high == 5e6)
        #expect(axis.ticks.map(\.label) == ["0", "1", "2", "3", "4", "5"])
        #expect(axis.share(2.5e6) == 0.5)
    }

    @Test func anOutlierMakesTheAxisLogarithmic() {
        let axis = ChartAxis.times([1e6, 1.2e6, 1.3e6, 2e6, 900e6], title: "time")
        #expect(axis.isLogarithmic && axis.low == 1e6 && axis.high == 1e9)
        #expect(axis.ticks.map(\.label).first == "1 ms" && axis.ticks.map(\.label).last == "1 s")
        #expect(abs(axis.share(1e9) - 1) < 1e-9 && axis.share(1e6) == 0 && axis.share(0) == 0)
    }

    @Test(arguments: [
        (0.25, "ms", "250"), (1.0, "s", "1.0"), (10, "s", "10"), (60, "s", "60"), (179, "s", "150"), (600, "min", "10"),
        (86_400, "h", "24"), (300, "min", "5"),
        (604_800, "d", "6"),
    ])
    func theTimeOfARunIsInAUnitThatFits(_ duration: Double, _ unit: String, _ last: String) {
        let axis = ChartAxis.course(duration)
        #expect(axis.title == "time since the start in \(unit)")
        #expect(axis.ticks.last?.label == last && axis.ticks.first?.value == 0)
        #expect((4...9).contains(axis.ticks.count) && axis.ticks.allSatisfy { $0.value <= duration * 1.000_001 })
    }

    @Test(arguments: [(1 as UInt64, "90"), (99, "90"), (100, "99"), (1000, "99.9"), (1_000_000, "99.9999")])
    func percentilesGoAsFarAsThereAreValues(_ count: UInt64, _ last: String) {
        #expect(ChartAxis.percentiles(of: count).ticks.map(\.label).last == last)
    }

    @Test func aCurveHasThePercentilesOfItsHistogram() {
        var few = Histogram()
        for value in 1...100 { few.record(Int64(value) * 1_000_000) }
        let exact = PercentileCurve(few)
        #expect(exact.isExact && exact.points.count == 100)
        #expect(exact.points[50].x == PercentileCurve.place(0.5) && exact.points[50].y == Double(few.percentile(0.51)!))
        #expect(exact.points.last?.y == 100e6)

        var many = Histogram()
        for value in 1...200_000 { many.record(Int64(value) * 1000) }
        let curve = PercentileCurve(many)
        #expect(!curve.isExact && curve.points.count <= PercentileCurve.limit && curve.points.count > 300)
        #expect(curve.points.first?.y == Double(many.min) && curve.points.last?.y == Double(many.max))
        for point in curve.points {
            let share = 1 - 1 / Double.pow(10, point.x)
            // The rank right above that share.
            let value = Double(many.percentile(share + 0.5 / 200_000)!)
            #expect(abs(point.y - value) <= value * 0.002)
        }
        #expect(zip(curve.points, curve.points.dropFirst()).allSatisfy { $0.x < $1.x && $0.y <= $1.y })
        #expect(PercentileCurve(Histogram()).points.isEmpty)
        var one = Histogram()
        one.record(5)
        #expect(PercentileCurve(one).points.map(\.x) == [0, 1] && PercentileCurve(one).points.map(\.y) == [5, 5])
    }

    @Test func aPictureTellsWhatItShowsAndIsInterruptedWhereNothingWas() {
        let chart = Chart(
            id: "chart-a", title: "A & B", summary: "from <1> to 2", x: .course(4), y: .amounts(upTo: 2, title: "hits"),
            lines: [
                Chart.Line(name: "a", ink: .first, points: [(0, 1), (1, 2), (2, nil), (3, 1)]),
                Chart.Line(name: "b", ink: .second, points: [(0, nil)]),
            ])
        var html = HTMLWriter()
        chart.write(&html)
        #expect(html.text.contains("role=\"img\" aria-labelledby=\"chart-a-title chart-a-desc\""))
        #expect(html.text.contains("<title id=\"chart-a-title\">A &amp; B</title>"))
        #expect(html.text.contains("<desc id=\"chart-a-desc\">from &lt;1&gt; to 2</desc>"))
        // A piece of two points is a line, one of a single point a dot.
        #expect(html.text.ranges(of: "class=\"line ink0\" d=\"M").count == 1 + 1)
        #expect(html.text.ranges(of: "<circle").count == 1)
    }
}

extension Double {
    fileprivate static func pow(_ base: Double, _ exponent: Double) -> Double {
        var (low, high) = (0.0, 1e18)
        // Without a C library: the number whose place on the axis this is.
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if PercentileCurve.place(1 - 1 / max(1, middle)) < exponent { low = middle } else { high = middle }
        }
        return high
    }
}
