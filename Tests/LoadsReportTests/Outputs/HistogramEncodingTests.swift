import Foundation
import LoadsCore
import TestSupport
import Testing

@testable import LoadsReport

@Suite struct HistogramEncodingTests {
    static func histogram(_ values: [Int64]) -> Histogram {
        var histogram = Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    static let samples: [[Int64]] = [
        [0], [1], [0, 0, 0, 1, 2047, 2048, 2049], [5, 5, 5, 1_000_000_000],
        (1...5000).map { Int64($0) * 12_345 }, [.max, 1, 3_600_000_000_001],
    ]

    @Test(arguments: samples) func whatIsEncodedIsDecoded(_ values: [Int64]) throws {
        let histogram = Self.histogram(values)
        let text = histogram.hdrText
        #expect(text.hasPrefix("HISTFAAA"))
        let decoded = try #require(
            Histogram(hdrText: text, min: histogram.min, max: histogram.max, sum: histogram.sum))
        #expect(decoded == histogram)
    }

    @Test func withoutExactExtremesTheBucketsAreTaken() throws {
        let decoded = try #require(Histogram(hdrText: Self.histogram([1_000_000, 2_000_000]).hdrText))
        #expect(decoded.count == 2)
        #expect(abs(Double(decoded.max) - 2_000_000) <= 2000)
        #expect(abs(Double(decoded.sum) - 3_000_000) <= 3000)
    }

    @Test func anEmptyHistogramIsEncodedToo() throws {
        #expect(try #require(Histogram(hdrText: Histogram().hdrText)).isEmpty)
    }

    @Test func whatIsNoHistogramIsRefused() {
        let good = Self.histogram([1, 2, 3_000_000]).hdrText
        for text in ["", "HIST", String(good.dropLast(4)), good + "AAAA", "!" + good.dropFirst(), "AAAA" + good] {
            #expect(Histogram(hdrText: text) == nil, "\(text)")
        }
        #expect(Histogram(hdrText: good, min: 2, max: 3_000_000) == nil, "the smallest value is in another bucket")
    }

    @Test(arguments: 0..<8) func base64IsWhatEverybodyReads(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 37 * $0 + 251) }
        let text = Base64.encode(bytes)
        #expect(text == Data(bytes).base64EncodedString())
        #expect(Base64.decode(text) == bytes)
    }

    /// HdrHistogram's own Python library reads the log and finds the percentiles that we find.
    @Test(.enabled(if: OutputsPython.path != nil, "no Python with hdrhistogram: bin/test makes one"))
    func pythonsHdrHistogramReadsTheLog() throws {
        let names = ["GET /a", "sign in, really", "100 %"]
        var hdrLog = HistogramLog(start: 1_700_000_000.25)
        var totals: [String: Histogram] = [:]
        var random = SeededGenerator(seed: 7)
        for second in 0..<3 {
            for name in names {
                let values = (0..<2000).map { _ -> Int64 in
                    let share = Double.random(in: 0.000001..<1, using: &random)
                    return Int64(-log(share) * 5e6)
                }
                let histogram = Self.histogram(values)
                totals[name, default: Histogram()].merge(histogram)
                hdrLog.add(histogram, tag: name, from: Double(second), length: 1)
            }
        }
        let script = """
            import sys, json, urllib.parse
            from hdrh.histogram import HdrHistogram
            from hdrh.log import HistogramLogReader
            reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000000, 3))
            totals, starts = {}, []
            while True:
                one = reader.get_next_interval_histogram()
                if one is None: break
                starts.append(one.get_start_time_stamp() / 1000)
                name = urllib.parse.unquote(one.get_tag())
                if name in totals: totals[name].add(one)
                else: totals[name] = one
            print(json.dumps({"start": reader.get_start_time_sec(), "starts": sorted(set(starts)), "names": {
                name: [h.get_total_count()] + [h.get_value_at_percentile(p) for p in (50, 90, 95, 99, 99.9)]
                for name, h in totals.items()}}))
            """
        let path = NSTemporaryDirectory() + "loads-\(UUID().uuidString).hlog"
        try Data(hdrLog.bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let answer = try OutputsPython.run(script, [path])
        let json = try #require(try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
        #expect(json["start"] as? Double == 1_700_000_000.25)
        #expect(json["starts"] as? [Double] == [0, 1, 2].map { 1_700_000_000.25 + $0 })
        let read = try #require(json["names"] as? [String: [Int]])
        #expect(Set(read.keys) == Set(names))
        for name in names {
            let ours = try #require(totals[name])
            let expected = [0.5, 0.9, 0.95, 0.99, 0.999].map { fraction in
                // Theirs is the highest value of its bucket, even of the one that holds the maximum.
                Histogram.highestValue(of: Histogram.index(of: ours.percentile(fraction)!))
            }
            #expect(read[name] == [6000] + expected.map(Int.init), "\(name)")
        }
    }
}
