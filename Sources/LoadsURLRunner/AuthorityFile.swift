import CLinux
import Glibc

/// The certificates of a run's authorities as a file, which is how libcurl takes them.
///
/// The file is in memory: nothing is left behind on an agent, however its runner ends.
enum AuthorityFile {
    /// Why there is none.
    struct Problem: Error {
        let message: String
    }

    /// Makes the file, which stays until the process ends.
    ///
    /// - Parameter certificates: Each as PEM.
    /// - Returns: Its path, for this process alone.
    static func make(_ certificates: [String]) throws(Problem) -> String {
        let bytes = Array(certificates.joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
        let descriptor = loads_memfd_create("loads-authorities")
        guard descriptor >= 0 else { throw problem("no file in memory") }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw problem("not all could be written") }
            done += count
        }
        return "/proc/self/fd/\(descriptor)"
    }

    private static func problem(_ what: String) -> Problem {
        Problem(message: "the certificates of --ca: \(what): \(String(cString: strerror(errno)))")
    }
}
