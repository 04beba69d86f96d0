import Foundation
import LoadsExport
import LoadsReport

/// What a run writes to, and what it is compared with: opened before it begins, so that a mistake costs nobody an hour.
struct Outputs {
    let asked: CheckedOutputs
    /// Where Prometheus is to find the metrics.
    let socket: ListeningSocket?
    let baseline: RecordedSummary?
    private let files: [CheckedOutputs.File: OutputFile]

    /// Opens everything.
    ///
    /// - Throws: ``UsageError`` with all that cannot be written, listened on or read.
    init(_ asked: CheckedOutputs) throws(UsageError) {
        self.asked = asked
        var problems: [String] = []
        var files: [CheckedOutputs.File: OutputFile] = [:]
        for (file, path) in asked.files.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            do throws(UsageError) {
                files[file] = try OutputFile(path: path, option: file.option)
            } catch {
                problems += error.problems
            }
        }
        let opened = CheckedOutputs.File.allCases.compactMap { file in files[file].map { (file, $0) } }
        for (index, (file, output)) in opened.enumerated() {
            for (other, another) in opened.dropFirst(index + 1) where output.isSameFile(as: another) {
                problems.append(
                    "\(file.option) \(output.path) and \(other.option) \(another.path) are the same file: "
                        + "give them files of their own")
            }
        }
        self.files = files
        var socket: ListeningSocket?
        if let address = asked.prometheus {
            do throws(ExportError) {
                socket = try ListeningSocket(address)
            } catch {
                problems.append("--prometheus \(address): \(error)")
            }
        }
        self.socket = socket
        var baseline: RecordedSummary?
        if let path = asked.baseline {
            do throws(UsageError) {
                baseline = try SummaryFile.read(path, option: "--baseline")
            } catch {
                problems += error.problems
            }
        }
        self.baseline = baseline
        guard problems.isEmpty else {
            discard()
            throw UsageError(problems)
        }
    }

    private init() {
        asked = CheckedOutputs()
        (socket, baseline, files) = (nil, nil, [:])
    }

    /// Nothing is written.
    static let none = Outputs()

    subscript(file: CheckedOutputs.File) -> OutputFile? { files[file] }

    func begin() { for file in files.values { file.begin() } }

    /// Lets go of everything: the run never began.
    func discard() {
        for file in files.values { file.discard() }
        socket?.close()
    }
}

/// Summaries as earlier runs have written them.
enum SummaryFile {
    /// - Throws: ``UsageError`` when it cannot be read or is none.
    static func read(_ path: String, option: String? = nil) throws(UsageError) -> RecordedSummary {
        let place = option.map { "\($0) \(path)" } ?? path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError(["\(place): cannot be read (is it there? may you read it?)"])
        }
        return try decode([UInt8](data), place: place)
    }

    /// - Parameter place: What it is, for the complaint.
    static func decode(_ bytes: [UInt8], place: String) throws(UsageError) -> RecordedSummary {
        do {
            return try JSONDecoder().decode(RecordedSummary.self, from: Data(bytes))
        } catch DecodingError.keyNotFound(let key, _) where key.stringValue == "histogram" {
            throw UsageError([
                "\(place): has no histograms, so nothing can be claimed by it: write it anew with this version's --json"
            ])
        } catch {
            throw UsageError(["\(place): not a summary that --json has written"])
        }
    }
}
