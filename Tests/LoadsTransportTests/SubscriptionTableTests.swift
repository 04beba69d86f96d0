import LoadsTransport
import Testing

@Suite struct SubscriptionTableTests {
    @Test func knowsTheFirstAndTheLastOfAPrefix() {
        var table = SubscriptionTable<Int>()
        let added = [(1, "hits/"), (1, "hits/"), (2, "hits/")].map { table.add($0.1, for: $0.0) }
        #expect(added == [true, false, false])
        #expect(table.prefixes == ["hits/"])
        let removed = [(1, "hits/"), (1, "hits/"), (2, "stats/"), (2, "hits/")].map { table.remove($0.1, for: $0.0) }
        #expect(removed == [false, false, false, true])
        #expect(table.prefixes.isEmpty)
    }

    @Test func forgetsASubscriberWithItsPrefixes() {
        var table = SubscriptionTable<Int>()
        for prefix in ["a", "b", "c"] { _ = table.add(prefix, for: 1) }
        _ = table.add("b", for: 2)
        let gone = [1, 1, 2].map { table.removeAll(of: $0).sorted() }
        #expect(gone == [["a", "c"], [], ["b"]])
    }

    @Test(arguments: [
        ("hits/7/", [1, 3]), ("hits/", [1, 3]), ("hit", [3]), ("stats/7/", [2, 3]), ("", [3]), ("é", [3]),
    ])
    func findsEachSubscriberOnceByThePrefixesBytes(_ topic: String, _ expected: [Int]) {
        var table = SubscriptionTable<Int>()
        for prefix in ["hits/", "hits", "h1"] { _ = table.add(prefix, for: 1) }
        _ = table.add("stats/7/", for: 2)
        // The same letter in other bytes is another prefix.
        _ = table.add("e\u{301}", for: 2)
        _ = table.add("", for: 3)
        #expect(table.subscribers(of: topic).sorted() == expected)
    }
}
