internal import Glibc

/// One axis of a chart: from where to where it goes, and what stands along it. Pure.
struct ChartAxis {
    struct Tick: Equatable {
        var value: Double
        var label: String
    }

    var low: Double
    var high: Double
    var isLogarithmic = false
    var ticks: [Tick]
    /// What is measured along it, with its unit.
    var title: String

    /// How far along the axis a value lies, from 0 to 1; values beyond an end lie at it.
    func share(_ value: Double) -> Double {
        let share =
            isLogarithmic
            ? log(max(value, low) / low) / log(high / low)
            : (value - low) / (high - low)
        return share.isFinite ? min(1, max(0, share)) : 0
    }

    // MARK: Kinds of axes

    /// From 0 to the first round number that nothing exceeds.
    ///
    /// - Parameter areWhole: There are no fractions of what is counted.
    static func amounts(upTo largest: Double, title: String, areWhole: Bool = false) -> ChartAxis {
        let (top, step) = areWhole && largest <= 5 ? (largest.rounded(.up), 1) : roundEnd(largest)
        let decimals = decimals(step)
        let ticks = (0...Int((top / step).rounded())).map { number in
            Tick(value: Double(number) * step, label: Figures.fixed(Double(number) * step, decimals))
        }
        return ChartAxis(low: 0, high: top, ticks: ticks, title: title)
    }

    /// Times in nanoseconds. From 0, unless the largest is so far above the ordinary that one would see nothing else: then
    /// logarithmic.
    ///
    /// - Parameter values: Those that are drawn.
    static func times(_ values: [Double], title: String) -> ChartAxis {
        let sorted = values.filter { $0 > 0 }.sorted()
        let largest = sorted.last ?? 0
        let isLogarithmic = sorted.first.map { _ in largest > outlierFactor * sorted[sorted.count / 2] } ?? false
        if isLogarithmic { return logarithmicTimes(from: sorted[0], to: largest, title: title) }
        let unit = TimeScale(largest)
        var axis = amounts(upTo: largest / unit.nanoseconds, title: "\(title) in \(unit.name)")
        axis.high *= unit.nanoseconds
        for index in axis.ticks.indices { axis.ticks[index].value *= unit.nanoseconds }
        return axis
    }

    private static func logarithmicTimes(from smallest: Double, to largest: Double, title: String) -> ChartAxis {
        let (low, high) = (roundValue(below: smallest), roundValue(above: largest))
        var ticks: [Tick] = []
        // Few marks, of one kind: those of the decades alone where all would be too many.
        for digits in [[1.0, 2, 5], [1]] where ticks.isEmpty || ticks.count > 7 {
            ticks = []
            var decade = pow(10, log10(low).rounded(.down))
            while decade <= high * 1.001 {
                for value in digits.map({ $0 * decade }) where value >= low * 0.999 && value <= high * 1.001 {
                    let unit = TimeScale(value)
                    ticks.append(Tick(value: value, label: Figures.number(value / unit.nanoseconds) + " " + unit.name))
                }
                decade *= 10
            }
        }
        return ChartAxis(
            low: low, high: high, isLogarithmic: true, ticks: ticks, title: "\(title), logarithmic")
    }

    /// The time of a run, from 0 to its end in seconds.
    static func course(_ duration: Double) -> ChartAxis {
        let (unit, name, steps): (Double, String, [Double]) =
            switch duration {
            case ..<1: (1e-3, "ms", [])
            case ...180: (1, "s", [1, 2, 5, 10, 15, 20, 30])
            case ...7200: (60, "min", [1, 2, 5, 10, 15, 20])
            case ...172_800: (3600, "h", [1, 2, 3, 4, 6])
            default: (86400, "d", [])
            }
        let end = duration / unit
        let step = steps.first { end / $0 <= 8 && end / $0 >= 3 } ?? roundEnd(end).step
        let decimals = decimals(step)
        let ticks = (0...Int(end / step + 1e-9)).map { number in
            Tick(
                value: Double(number) * step * unit, label: Figures.fixed(Double(number) * step, decimals))
        }
        return ChartAxis(low: 0, high: duration, ticks: ticks, title: "time since the start in \(name)")
    }

    /// Percentiles, as ``PercentileCurve`` has them, of so many values.
    static func percentiles(of count: UInt64) -> ChartAxis {
        let end = max(1, log10(Double(max(count, 1))))
        var ticks = [Tick(value: 0, label: "0"), Tick(value: PercentileCurve.place(0.5), label: "50")]
        for nines in 1..<max(2, Int(end + 1e-9) + 1) {
            let label = nines == 1 ? "90" : "99" + (nines > 2 ? "." + String(repeating: "9", count: nines - 2) : "")
            ticks.append(Tick(value: Double(nines), label: label))
        }
        return ChartAxis(low: 0, high: end, ticks: ticks, title: "percentile in %")
    }

    // MARK: Round numbers

    /// The largest value may be so many times the one in the middle before an axis becomes logarithmic.
    private static let outlierFactor = 30.0

    /// The first round number that is not below a value, and the distance of ticks up to it: 4 to 7 of them.
    static func roundEnd(_ largest: Double) -> (end: Double, step: Double) {
        guard largest > 0, largest.isFinite else { return (1, 0.5) }
        let rough = largest / 5
        let decade = pow(10, log10(rough).rounded(.down))
        let step = [1.0, 2, 2.5, 5, 10].map { $0 * decade }.first { $0 >= rough * 0.999_999 } ?? decade * 10
        return ((largest / step - 1e-9).rounded(.up) * step, step)
    }

    /// The decimals that a step needs.
    private static func decimals(_ step: Double) -> Int {
        var decimals = 0
        var scaled = step
        while decimals < 6, abs(scaled - scaled.rounded()) > 1e-6 * scaled {
            decimals += 1
            scaled *= 10
        }
        return decimals
    }

    /// The largest of 1, 2 and 5 times a power of ten that is not above a value.
    private static func roundValue(below value: Double) -> Double {
        let decade = pow(10, log10(value).rounded(.down))
        return [5.0, 2, 1].map { $0 * decade }.first { $0 <= value * 1.000_001 } ?? decade
    }

    /// The smallest of them that is not below it.
    private static func roundValue(above value: Double) -> Double {
        let decade = pow(10, log10(value).rounded(.down))
        return [1.0, 2, 5, 10].map { $0 * decade }.first { $0 >= value * 0.999_999 } ?? decade * 10
    }
}

/// A unit of time for an axis that ends at some value.
struct TimeScale {
    let name: String
    let nanoseconds: Double

    /// - Parameter largest: In nanoseconds.
    init(_ largest: Double) {
        switch largest {
        case ..<0.999e3: (name, nanoseconds) = ("ns", 1)
        case ..<0.999e6: (name, nanoseconds) = ("µs", 1e3)
        case ..<0.999e9: (name, nanoseconds) = ("ms", 1e6)
        default: (name, nanoseconds) = ("s", 1e9)
        }
    }
}
