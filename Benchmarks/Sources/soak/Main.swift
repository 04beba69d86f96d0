import Glibc
import LoadsCore
import LoadsEventLoop
import LoadsWire

/// An hour at 50,000 hits a second, as fast as it goes: `swift run -c release --package-path Benchmarks soak [HITS]`.
///
/// 180 million hits go the way of every hit: a recorder counts them, every 5,000 of them (100 ms of such a run) become a
/// batch, the batch becomes bytes, and the bytes are merged into the whole run's statistics. There are more names, kinds
/// of errors and places of failures than are kept apart. Counters grow wider as they fill, which a longer run shows less and
/// less; ends with 1 when the second half took more than 8 MiB more.
@main enum Main {
    static let batch = 5_000

    static func main() throws {
        let hits = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 0 : 180_000_000
        var plan = Plan(cycles: [])
        plan.maxNames = 1_000
        let registry = NameRegistry(limit: plan.maxNames)
        let recorder = Recorder(start: Instant(nanoseconds: 0), plan: plan, registry: registry)
        var total = Statistics()
        var random = Numbers(state: 1)
        let began = Instant.now
        var half = 0
        print("hits         seconds  RSS MiB")
        for number in 1...max(1, hits / batch) {
            // The time of the run, not the clock's: 100 ms a batch.
            let time = Int64(number) * 100_000_000
            for _ in 0..<batch { record(random.next(), at: time, in: recorder) }
            recorder.recordFailure(
                at: "Blog.swift:\(number % 400)", message: "expected \(number)", Instant(nanoseconds: time))
            for bytes in RunnerReport.batch(recorder.takeBatch()).encoded() {
                guard let reader = try BatchReader(report: bytes) else { continue }
                reader.merge(into: &total)
            }
            let step = max(1, hits / batch / 12)
            guard number % step == 0 else { continue }
            if half == 0, number * batch * 2 >= hits { half = residentBytes() }
            let seconds = Double(Instant.now.nanoseconds(since: began)) / 1e9
            print(
                pad(String(number * batch), 12), pad(String(Int(seconds)), 7),
                String(Double(residentBytes() * 10 / (1 << 20)) / 10))
        }
        let growth = residentBytes() - half
        print("\(total.hitCount) hits, \(total.names.count) names, \(total.errors.count) kinds of errors,")
        print("\(total.failures.count) places of failures; grown in the second half: \(growth / 1024) KiB")
        exit(total.hitCount == hits / batch * batch && growth <= 8 << 20 ? 0 : 1)
    }

    private static func record(_ draw: UInt64, at time: Int64, in recorder: Recorder) {
        // 1,200 names, some far more often than others; latencies over three decades.
        let rank = Int(draw & 0xff) < 250 ? Int((draw >> 8) % 100) : Int((draw >> 8) % 1_200)
        let latency = Int64(200_000) << Int64((draw >> 24) % 10) + Int64((draw >> 32) % 150_000)
        let fails = (draw >> 48) % 1_000 == 0
        var phases = Phases()
        phases.wait = latency * 3 / 4
        phases.receive = latency / 8
        recorder.record(
            Hit(
                start: Instant(nanoseconds: time), name: "GET /page/\(rank)", method: "GET", url: "http://h/",
                status: fails ? nil : 200, latency: latency, phases: phases, bytesSent: 90, bytesReceived: 1_250,
                error: fails ? HitError(kind: "kind \((draw >> 40) % 300)", message: "broken") : nil, failed: fails),
            user: rank, iteration: 0)
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// What is resident now, not at most.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var (size, resident) = (0, 0)
        withUnsafeMutablePointer(to: &size) { size in
            withUnsafeMutablePointer(to: &resident) { resident in
                _ = withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
            }
        }
        return resident * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// SplitMix64.
    private struct Numbers {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }
}
