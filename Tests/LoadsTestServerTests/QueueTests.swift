import Testing

@testable import LoadsTestServer

@Suite struct QueueTests {
    @Test func whatFindsNoPlaceWaitsInLine() {
        var queue = Queue(places: 2)
        func delays(_ times: Int64...) -> [Int64] { times.map { queue.delay(work: 10, now: $0) } }
        #expect(delays(0, 0, 0, 0, 0) == [10, 10, 20, 20, 30])
        #expect(delays(25, 25) == [10, 15], "one place is free since 20, the other one at 30")
        #expect(delays(100, 100, 101) == [10, 10, 19])
    }

    @Test func aScriptAsksForItsPlaces() {
        var asked: [(Int, Int64)] = []
        var around = Script.Surroundings()
        around.queue = { places, work in
            asked.append((places, work))
            return 3_000_000
        }
        let head = RequestHead(method: "GET", target: "/queue/4/1.5", lines: [])
        #expect(Script.answer(to: head, around).steps.contains(.wait(.milliseconds(3))))
        #expect(asked.map(\.0) == [4] && asked.map(\.1) == [1_500_000])
        let wrong = RequestHead(method: "GET", target: "/queue/0/1", lines: [])
        guard case .send(let bytes)? = Script.answer(to: wrong, around).steps.first else { return }
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 404"))
    }
}
