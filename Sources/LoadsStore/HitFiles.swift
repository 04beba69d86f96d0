internal import Foundation
import Glibc
internal import LoadsCore
internal import LoadsReport

/// The files of kept hits: one for each run, a line of JSON for each hit.
struct HitFiles: Sendable {
    let directory: String

    /// Appends hits behind the part of the file that is known to the database; what a failed commit left is written over.
    ///
    /// What it has written outlives a loss of power when it returns, like the transaction that tells its length: the
    /// acknowledgement that follows promises both.
    ///
    /// - Returns: The bytes written, and the hits for which there was no room.
    func append(_ hits: [RawHit], to run: String, at length: Int) -> (written: Int, lost: Int) {
        mkdir(directory, 0o700)
        let file = open("\(directory)/\(run).ndjson", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return (0, hits.count) }
        defer { close(file) }
        if length == 0 { syncDirectories() }
        var json = JSONWriter()
        var written = 0
        var place = 0
        while place < hits.count {
            let first = place
            json.removeAll()
            while place < hits.count, json.bytes.count < 1 << 18 {
                json.line(hits[place])
                place += 1
            }
            guard write(json.bytes, to: file, at: length + written) else {
                ftruncate(file, off_t(length + written))
                guard fdatasync(file) == 0 else { return (0, hits.count) }
                return (written, hits.count - first)
            }
            written += json.bytes.count
        }
        ftruncate(file, off_t(length + written))
        guard fdatasync(file) == 0 else { return (0, hits.count) }
        return (written, 0)
    }

    /// Removes the file of a run that is no more.
    func remove(_ run: String) { unlink("\(directory)/\(run).ndjson") }

    /// Removes the files of runs that are no more: of those that a master was about to remove when it was killed.
    func remove(allBut runs: Set<String>) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasSuffix(".ndjson") {
            let run = String(name.dropLast(".ndjson".count))
            if !runs.contains(run) { remove(run) }
        }
    }

    /// A new file outlives a loss of power only with its entry in its directory, and that in its own.
    private func syncDirectories() {
        for path in [directory, directory + "/.."] {
            let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else { continue }
            fsync(folder)
            close(folder)
        }
    }

    private func write(_ bytes: [UInt8], to file: Int32, at offset: Int) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = pwrite(file, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
                if count > 0 { done += count } else if errno != EINTR { return false }
            }
            return true
        }
    }
}
