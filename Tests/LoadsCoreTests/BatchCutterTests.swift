import LoadsCore
import Testing

@Suite struct BatchCutterTests {
    private static func batch(_ iterations: Int) -> Batch {
        var batch = Batch()
        batch.statistics.iterations.started = iterations
        return batch
    }

    private static func cut(_ cutter: inout BatchCutter, _ milliseconds: Int64) -> [[Double]] {
        cutter.cut(at: milliseconds * 1_000_000).map { [$0.from, $0.to, Double($0.statistics.iterations.started)] }
    }

    @Test func aBatchEndsWhereItIsCut() {
        var cutter = BatchCutter()
        cutter.take([0: Self.batch(3)])
        #expect(Self.cut(&cutter, 100) == [[0, 0.1, 3]])
        #expect(Self.cut(&cutter, 200) == [[0.1, 0.2, 0]], "also when nothing happened")
    }

    @Test func noBatchReachesOverTheEndOfASecond() {
        var cutter = BatchCutter()
        _ = Self.cut(&cutter, 900)
        cutter.take([0: Self.batch(3), 1: Self.batch(4), 2: Self.batch(5)])
        #expect(Self.cut(&cutter, 2300) == [[0.9, 1, 3], [1, 2, 4], [2, 2.3, 5]])
        #expect(Self.cut(&cutter, 3000) == [[2.3, 3, 0]])
        #expect(Self.cut(&cutter, 3100) == [[3, 3.1, 0]])
    }

    @Test func whatBelongsToALaterSecondStays() {
        var cutter = BatchCutter()
        cutter.take([0: Self.batch(3), 1: Self.batch(4)])
        #expect(Self.cut(&cutter, 1000) == [[0, 1, 3]])
        #expect(Self.cut(&cutter, 1100) == [[1, 1.1, 4]])
    }

    @Test func whatComesLateIsAnotherBatchOfItsSecond() {
        var cutter = BatchCutter()
        _ = Self.cut(&cutter, 3200)
        cutter.take([1: Self.batch(1), 3: Self.batch(2), 0: Self.batch(7)])
        cutter.take([1: Self.batch(1)])
        #expect(Self.cut(&cutter, 3300) == [[0, 1, 7], [1, 2, 2], [3.2, 3.3, 2]])
    }

    @Test func timeThatGoesBackMakesNoBatchThatDoes() {
        var cutter = BatchCutter()
        _ = Self.cut(&cutter, 1500)
        cutter.take([1: Self.batch(1)])
        #expect(Self.cut(&cutter, 700) == [[1.5, 1.5, 1]])
    }

    @Test func inTheEndEverythingIsGivenOut() {
        var cutter = BatchCutter()
        cutter.take([0: Self.batch(1), 2: Self.batch(2)])
        let batches = cutter.finish(at: 1_500_000_000)
        #expect(batches.map(\.second) == [0, 1, 2])
        #expect(batches.map(\.statistics.iterations.started) == [1, 0, 2])
    }

    @Test func tellsWhenASecondEnds() {
        var cutter = BatchCutter()
        #expect(!cutter.endsSecond(at: 900_000_000) && cutter.endsSecond(at: 1_000_000_000))
        _ = Self.cut(&cutter, 1000)
        #expect(!cutter.endsSecond(at: 1_900_000_000) && cutter.endsSecond(at: 2_000_000_000))
    }
}
