import Foundation
import Glibc
import LoadsCore
import LoadsReport
import Synchronization
import Testing

@Suite struct HitStreamTests {
    private func hits(_ count: Int) -> [RawHit] {
        (0..<count).map {
            RawHit(
                time: 0, user: $0, iteration: 0, name: "GET /", method: "GET", url: "http://127.0.0.1/", status: 200,
                latency: 1000, bytes: 10, requests: 1, error: nil)
        }
    }

    @Test func writesALineForEveryHitInOrder() async throws {
        let path = NSTemporaryDirectory() + "hits-\(UUID().uuidString)"
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { unlink(path) }
        let stream = HitStream(descriptor: descriptor)
        let all = hits(25_000)
        for start in stride(from: 0, to: all.count, by: 5000) { stream.write(Array(all[start..<start + 5000])) }
        let outcome = await stream.finish()
        close(descriptor)
        #expect(outcome.written == 25_000)
        #expect(outcome.lost == 0)
        #expect(outcome.failure == nil)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 25_000)
        #expect(lines.last?.contains("\"user\":24999,") == true)
    }

    @Test func countsWhatAFullDiskDidNotTake() async {
        let descriptor = open("/dev/full", O_WRONLY)
        let failures = Mutex<[String]>([])
        let stream = HitStream(descriptor: descriptor) { failure in failures.withLock { $0.append(failure) } }
        stream.write(hits(10))
        _ = await stream.finish()
        stream.write(hits(5))
        let outcome = await stream.finish()
        close(descriptor)
        #expect(outcome.written == 0)
        #expect(outcome.lost == 15)
        #expect(outcome.failure == "No space left on device")
        #expect(failures.withLock { $0 } == ["No space left on device"])
    }

    @Test func losesAndCountsWhatDoesNotFitIntoMemory() async {
        let descriptor = open("/dev/null", O_WRONLY)
        let stream = HitStream(descriptor: descriptor, waitingLimit: 100)
        stream.write(hits(101))
        stream.write(hits(100))
        let outcome = await stream.finish()
        close(descriptor)
        #expect(outcome.written == 100)
        #expect(outcome.lost == 101)
    }
}
