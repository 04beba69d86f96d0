import Testing

@testable import LoadsEventLoop

@Suite struct TimerHeapTests {
    @Test(arguments: [[], [1], [1, 2, 3], [3, 2, 1], [2, 2, 2], [5, 1, 4, 2, 3], [1, 1, 0, 9, 0]] as [[Int64]])
    func firesInOrderOfDeadline(deadlines: [Int64]) {
        var heap = TimerHeap()
        for deadline in deadlines { heap.schedule(LoopTimer {}, at: Instant(nanoseconds: deadline)) }
        var fired: [Int64] = []
        while let (timer, deadline) = heap.popExpired(.distantFuture) {
            fired.append(deadline.nanoseconds)
            #expect(timer.deadline == nil)
        }
        #expect(fired == deadlines.sorted())
        #expect(heap.next == nil)
    }

    @Test func keepsWhatIsNotYetDue() {
        var heap = TimerHeap()
        heap.schedule(LoopTimer {}, at: Instant(nanoseconds: 10))
        #expect(heap.popExpired(Instant(nanoseconds: 9)) == nil)
        #expect(heap.popExpired(Instant(nanoseconds: 10)) != nil)
    }

    @Test func cancellingAnIdleTimerChangesNothing() {
        var heap = TimerHeap()
        let timer = LoopTimer {}
        heap.schedule(LoopTimer {}, at: Instant(nanoseconds: 1))
        heap.cancel(timer)
        heap.schedule(timer, at: Instant(nanoseconds: 2))
        heap.cancel(timer)
        heap.cancel(timer)
        #expect(heap.count == 1)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func behavesLikeASortedArray(seed: UInt64) {
        var random = Generator(state: seed)
        var heap = TimerHeap()
        var model: [(deadline: Int64, id: Int)] = []
        let timers = (0..<200).map { _ in LoopTimer {} }
        let ids = Dictionary(
            uniqueKeysWithValues: timers.enumerated().map { (ObjectIdentifier($0.element), $0.offset) })
        for _ in 0..<5_000 {
            let id = Int.random(in: 0..<timers.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let deadline = Int64.random(in: 0..<1000, using: &random)
                heap.schedule(timers[id], at: Instant(nanoseconds: deadline))
                model.removeAll { $0.id == id }
                model.append((deadline, id))
            case 6..<8:
                heap.cancel(timers[id])
                model.removeAll { $0.id == id }
            default:
                let now = Int64.random(in: 0..<1000, using: &random)
                let earliest = model.map(\.deadline).min()
                let popped = heap.popExpired(Instant(nanoseconds: now))
                guard let earliest, earliest <= now else {
                    #expect(popped == nil)
                    continue
                }
                #expect(popped?.deadline.nanoseconds == earliest)
                let gone = popped.flatMap { ids[ObjectIdentifier($0.timer)] }
                #expect(model.contains { $0.id == gone && $0.deadline == earliest })
                model.removeAll { $0.id == gone }
            }
            #expect(heap.count == model.count)
            #expect(heap.next?.nanoseconds == model.map(\.deadline).min())
        }
        #expect(heap.removeAll().count == model.count)
        #expect(timers.allSatisfy { $0.position == -1 && $0.deadline == nil })
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
