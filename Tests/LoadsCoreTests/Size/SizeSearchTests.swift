import LoadsCore
import TestSupport
import Testing

@Suite struct SizeSearchTests {
    /// Searches with a target whose limit is known.
    private func search(
        start: Int = 1, range: ClosedRange<Int> = 1...1_000_000, precision: Double = 0.05,
        _ outcome: (Int) -> SizeStep.Outcome, rate: (Int) -> Double = Double.init
    ) throws -> (result: SizeSearch.Result, tries: [SizeSearch.Try]) {
        var search = SizeSearch(start: start, range: range, precision: precision)
        var tries: [SizeSearch.Try] = []
        while let next = search.next {
            tries.append(next)
            try #require(tries.count < 100, "it ends by itself")
            search.take(outcome(next.load), rate: rate(next.load))
        }
        return (try #require(search.result), tries)
    }

    @Test(arguments: [1, 2, 3, 7, 16, 17, 100, 999, 1024, 50_000, 999_999])
    func findsTheLimit(_ limit: Int) throws {
        let (result, tries) = try search { $0 <= limit ? .kept : .breached }
        let found = try #require(result.found)
        #expect(found <= limit && Double(found) >= Double(limit) * 0.95 - 1)
        #expect(result.limit == .target)
        #expect(try #require(result.broken) > limit)
        #expect(tries.last == SizeSearch.Try(load: found, purpose: .confirm))
        #expect(tries.count <= 30)
    }

    @Test func raisesByDoublingThenNarrowsDown() throws {
        let (_, tries) = try search(start: 4) { $0 <= 21 ? .kept : .breached }
        #expect(tries.map(\.load) == [4, 8, 16, 32, 24, 20, 22, 21, 21])
        #expect(tries.map(\.purpose) == [.climb, .climb, .climb, .climb, .narrow, .narrow, .narrow, .narrow, .confirm])
    }

    @Test func findsALimitBelowItsStart() throws {
        #expect(try search(start: 64) { $0 <= 5 ? .kept : .breached }.result.found == 5)
        let none = try search(start: 64) { _ in .breached }.result
        #expect(none == .init(found: nil, limit: .target, broken: 1))
    }

    @Test func aGeneratorAtItsLimitIsToldApart() throws {
        let (result, tries) = try search { $0 <= 40 ? .kept : .generatorLimited }
        #expect(result.limit == .generator)
        #expect((38...40).contains(try #require(result.found)))
        // The target breaks below the generator's limit.
        let other = try search { $0 <= 10 ? .kept : $0 <= 12 ? .breached : .generatorLimited }
        #expect(other.result == .init(found: 10, limit: .target, broken: 11))
        #expect(tries.count(where: { $0.load == 64 }) == 2, "tried twice: it may have been a moment")
    }

    @Test func tooFewUsersAreToldApart() throws {
        let (result, tries) = try search { $0 <= 10 ? .kept : .bounded }
        #expect(result == .init(found: 10, limit: .bound, broken: 11))
        // It is certain at once.
        #expect(tries.count(where: { $0.load == 16 }) == 1)
    }

    @Test func aMomentOfABusyMachineIsTriedAgain() throws {
        var seen: Set<Int> = []
        let (result, _) = try search { load in
            if load == 8, seen.insert(load).inserted { return .generatorLimited }
            return load <= 20 ? .kept : .breached
        }
        #expect(result == .init(found: 20, limit: .target, broken: 21))
    }

    @Test func whatTheConfirmationRefutesIsBad() throws {
        var tried: [Int: Int] = [:]
        let (result, tries) = try search { load in
            tried[load, default: 0] += 1
            return load <= 15 || load <= 20 && tried[load] == 1 ? .kept : .breached
        }
        #expect(try #require(result.found) <= 19)
        #expect(result.limit == .target)
        #expect(tries.last?.purpose == .confirm)
    }

    @Test func endsWhereItMayGoNoFurther() throws {
        let (result, tries) = try search(start: 3, range: 1...100) { _ in .kept }
        #expect(result == .init(found: 100, limit: .range, broken: nil))
        #expect(tries.map(\.load) == [3, 6, 12, 24, 48, 96, 100, 100])
    }

    @Test func endsWhenMoreLoadBringsNothing() throws {
        let (result, tries) = try search(outcome, rate: { Double(min($0, 40)) })
        #expect(result.limit == .plateau)
        #expect(result.found == 512)
        #expect(tries.count == 11)
        func outcome(_ load: Int) -> SizeStep.Outcome { .kept }
    }

    @Test func whatIsUnclearEndsIt() throws {
        let (result, _) = try search { $0 < 8 ? .kept : .unclear }
        #expect(result == .init(found: 4, limit: .unclear, broken: nil))
        var stopped = SizeSearch(start: 1, range: 1...10)
        stopped.take(.kept, rate: 1)
        stopped.stop()
        #expect(stopped.result == .init(found: 1, limit: .unclear, broken: nil))
        #expect(stopped.next == nil)
    }

    /// Whatever the answers are, it ends, and what it says fits them.
    @Test func alwaysEnds() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let start = Int.random(in: 1...1000, using: &random)
            let (result, _) = try search(start: start, range: 1...10_000) { _ in
                [.kept, .kept, .breached, .generatorLimited].randomElement(using: &random)!
            }
            if let found = result.found, let broken = result.broken { #expect(found < broken) }
        }
    }
}
