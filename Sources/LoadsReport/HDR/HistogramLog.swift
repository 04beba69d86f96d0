import LoadsCore

/// A log of histograms as HdrHistogram's tools write and read it: format version 1.3, one line an interval and tag.
///
/// The tag is the name of the hits; a blank, a comma and what else cannot stand in a tag are written as in a URL (`%20`).
/// Values are nanoseconds; the column `Interval_Max` is in milliseconds.
struct HistogramLog {
    private(set) var bytes: [UInt8] = []

    /// Begins the log.
    ///
    /// - Parameter start: When the run began, in seconds since 1970.
    init(start: Double) {
        let seconds = Decimal.text(start, decimals: 3)
        line("#[Histogram log format version 1.3]")
        line("#[StartTime: \(seconds) (seconds since epoch), \(Timestamp.utc(start))]")
        line("#[BaseTime: \(seconds) (seconds since epoch)]")
        line("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")
    }

    /// Adds an interval.
    ///
    /// - Parameters:
    ///   - from: Seconds since the start of the run.
    ///   - length: In seconds.
    mutating func add(_ histogram: Histogram, tag: String, from: Double, length: Double) {
        line(
            "Tag=\(Self.tag(tag)),\(Decimal.text(from, decimals: 3)),\(Decimal.text(length, decimals: 3)),"
                + "\(Decimal.text(Double(histogram.max) / 1e6, decimals: 3)),\(histogram.hdrText)")
    }

    /// What has been added since the last call.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    private mutating func line(_ text: String) { bytes.append(contentsOf: (text + "\n").utf8) }

    /// A name as a tag: without commas, blanks and ends of lines.
    static func tag(_ name: String) -> String {
        var tag = ""
        for scalar in name.unicodeScalars {
            if scalar == "%" || scalar == "," || scalar.properties.isWhitespace || scalar.value < 0x20
                || scalar.value == 0x7f
            {
                for byte in String(scalar).utf8 { tag += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            } else {
                tag.unicodeScalars.append(scalar)
            }
        }
        // Readers take no tag and an empty tag for the same.
        return tag.isEmpty ? "%" : tag
    }
}
