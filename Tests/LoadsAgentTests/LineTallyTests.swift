import LoadsCore
import LoadsEventLoop
import Testing

@testable import LoadsAgent

/// What becomes of the records of a program.
@Suite struct LineTallyTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)

    /// What lines written at two seconds come to.
    private static func tally(
        _ lines: String..., raw: Bool = false, names: Int = 1000
    ) -> (batch: Batch, notes: [String], end: Double?) {
        var plan = Plan(cycles: [.init(users: 3, amount: .iterations(1))])
        plan.rawHits = raw
        plan.maxNames = names
        var tally = LineTally(plan: plan, start: start)
        let now = start.advanced(by: .seconds(2))
        Array(lines.joined(separator: "\n").utf8).withUnsafeBytes { tally.take($0, now: now) }
        tally.finish(now: now)
        return (tally.takeWhole(now: now), tally.takeNotes(), tally.lastEnd)
    }

    @Test func aHitIsCountedWithAllThatItSays() throws {
        let (batch, notes, end) = Self.tally(
            """
            {"t":0.5,"user":7,"iteration":2,"name":"home","method":"POST","url":"http://h/x?y","status":201,"ms":12.5,\
            "bytes":100,"bytes_sent":20,"requests":2,"phases":{"dns":1,"wait":2.5},"unknown":[1]}
            """, raw: true)
        #expect(notes.isEmpty && end == 0.5125)
        let name = try #require(batch.statistics.names["home"])
        #expect(name.count == 1 && name.failed == 0 && name.requests == 2)
        #expect(name.bytesReceived == 100 && name.bytesSent == 20 && name.status == [201: 1])
        #expect(name.latency.min == 12_500_000 && name.latency.max == 12_500_000)
        #expect(name.phases[1].max == 1_000_000 && name.phases[5].max == 2_500_000)
        #expect(
            batch.hits == [
                RawHit(
                    time: 0.5, user: 7, iteration: 2, name: "home", method: "POST", url: "http://h/x?y", status: 201,
                    latency: 12_500_000, bytes: 100, requests: 2, error: nil)
            ])
        #expect(batch.from == 0 && batch.to == 2 && batch.statistics.users == 3)
    }

    @Test(arguments: [
        (#"{"ms":1,"url":"http://h:80/a/b?c#d"}"#, "GET /a/b"), (#"{"ms":1,"url":"https://h"}"#, "GET /"),
        (#"{"ms":1,"url":"/a?b"}"#, "GET /a"), (#"{"ms":1,"url":"a/b","method":"PUT"}"#, "PUT /a/b"),
        (#"{"ms":1,"url":"http://h?x"}"#, "GET /"), (#"{"ms":1,"name":"query","url":"/x"}"#, "query"),
    ])
    func aHitWithoutANameIsNamedByItsURL(line: String, name: String) {
        #expect(Self.tally(line).batch.statistics.names.keys.sorted() == [name])
    }

    @Test(arguments: [
        (#"{"name":"n","ms":1}"#, 0, String?.none), (#"{"name":"n","ms":1,"status":399}"#, 0, nil),
        (#"{"name":"n","ms":1,"status":400}"#, 1, nil), (#"{"name":"n","ms":1,"status":503.0}"#, 1, nil),
        (#"{"name":"n","ms":1,"error":"timeout"}"#, 1, "timeout"), (#"{"name":"n","error":"refused"}"#, 1, "refused"),
        (#"{"name":"n","ms":1,"status":0,"error":{"kind":"tls","message":"bad"}}"#, 1, "tls"),
        (#"{"name":"n","ms":1,"error":null,"status":200}"#, 0, nil), (#"{"name":"n","ms":1,"error":false}"#, 0, nil),
    ])
    func aHitFailsByItsStatusOrItsError(line: String, failed: Int, kind: String?) {
        let (batch, notes, _) = Self.tally(line)
        #expect(notes.isEmpty && batch.statistics.hitCount == 1 && batch.statistics.failedHitCount == failed)
        #expect(batch.statistics.errors.keys.first == kind)
    }

    @Test(arguments: [
        (#"{"name":"n"}"#, "no hit"), (#"{"ms":1}"#, "a name or a url"), (#"{"ms":-1,"name":"n"}"#, "ms"),
        (#"{"ms":"1","name":"n"}"#, "ms"), (#"{"ms":1e12,"name":"n"}"#, "ms"), (#"{"ms":1,"name":7}"#, "name"),
        (#"{"ms":1,"name":"n","status":1000}"#, "status"), (#"{"ms":1,"name":"n","status":-1}"#, "status"),
        (#"{"ms":1,"name":"n","status":200.5}"#, "status"), (#"{"ms":1,"name":"n","t":1764111111}"#, "t: "),
        (#"{"ms":1,"name":"n","user":-1}"#, "user"), (#"{"ms":1,"name":"n","bytes":1e300}"#, "bytes"),
        (#"{"ms":1,"name":"n","error":3}"#, "error"), (#"{"ms":1,"name":"n","error":{}}"#, "kind"),
        (#"{"ms":1,"name":"n","phases":{"dns":-1}}"#, "dns"), (#"{"status":200,"name":"n"}"#, "ms"),
        (#"{"iteration":{"outcome":"great"}}"#, "outcome"), (#"{"note":1}"#, "note"), (#"{"users":-1}"#, "users"),
        ("[1]", "no map"), ("12", "no map"), ("{}", "no hit"), ("hello", "no JSON"),
    ])
    func whatIsNoResultIsQuotedAndCountsNothing(line: String, reason: String) throws {
        let (batch, notes, end) = Self.tally(line)
        #expect(batch.isEmpty && end == nil)
        #expect(notes.count == 1 && notes[0].contains(reason), "\(notes)")
    }

    @Test func garbageIsQuotedOnceAndCounted() {
        let (batch, notes, _) = Self.tally("one", #"{"ms":1,"name":"n"}"#, "two", "three")
        #expect(batch.statistics.hitCount == 1)
        #expect(
            notes == [
                "the runner wrote something that is no result (it is no JSON): one",
                "3 records of the runner were no results and were passed over",
            ])
    }

    @Test func whatIsQuotedIsWhatWasWritten() {
        let (_, notes, _) = Self.tally(#"{"ms":3,"status":200}"#)
        #expect(
            notes == [
                #"the runner wrote something that is no result (a hit needs a name or a url): {"ms":3,"status":200}"#
            ])
    }

    @Test func iterationsAreCountedByTheirOutcome() {
        let (batch, notes, end) = Self.tally(
            #"{"iteration":{"user":1,"number":0,"outcome":"ok","ms":5}}"#, #"{"iteration":{}}"#,
            #"{"iteration":{"outcome":"failed","ms":7,"failure":{"at":"a.js:3","message":"no title"}}}"#,
            #"{"iteration":{"outcome":"skipped"}}"#, #"{"iteration":{"outcome":"interrupted","ms":9}}"#,
            #"{"failure":{"at":"a.js:3","message":"again"}}"#)
        let statistics = batch.statistics
        #expect(notes.isEmpty && end == 2)
        #expect(statistics.iterations.started == 5 && statistics.iterations.ok == 2)
        #expect(statistics.iterations.failed == 1 && statistics.iterations.skipped == 1)
        #expect(statistics.iterations.interrupted == 1)
        #expect(
            statistics.service.count == 3 && statistics.service.max == 9_000_000,
            "what was cut off has the time until then")
        #expect(statistics.failures["a.js:3"]?.count == 2 && statistics.failures["a.js:3"]?.sample == "no title")
    }

    @Test func hitsWithoutIterationsInventNone() {
        #expect(Self.tally(#"{"ms":1,"name":"n","iteration":4}"#).batch.statistics.iterations == IterationCounts())
    }

    @Test func usersAndNotesArePassedOn() {
        let (batch, notes, _) = Self.tally(#"{"users":12}"#, #"{"note":"warm"}"#)
        #expect(batch.statistics.users == 12 && notes == ["warm"])
    }

    @Test func memoryIsBounded() {
        var plan = Plan(cycles: [.init(users: 1, amount: .iterations(1))])
        plan.maxNames = 10
        var tally = LineTally(plan: plan, start: Self.start)
        let line = { (number: Int) in
            #"{"ms":1,"name":"n\#(number)"}"# + "\n" + #"{"note":"x\#(number)"}"# + "\n"
        }
        for number in 0..<2000 {
            Array(line(number).utf8).withUnsafeBytes { tally.take($0, now: Self.start) }
        }
        tally.finish(now: Self.start)
        let statistics = tally.takeWhole(now: Self.start).statistics
        #expect(statistics.names.count == 11 && statistics.hitCount == 2000)
        #expect(statistics.names[Statistics.otherName]?.count == 1990)
        let notes = tally.takeNotes()
        #expect(notes.count == LineLimits.notes + 1 && notes.last == "1000 more notes of the runner were dropped")
    }

    @Test func longTextsAreCut() {
        let long = String(repeating: "é", count: 5000)
        let (batch, _, _) = Self.tally(#"{"ms":1,"name":"\#(long)"}"#)
        let name = batch.statistics.names.keys.first ?? ""
        #expect(name.utf8.count <= LineLimits.nameBytes && name.hasSuffix("é…"))
    }

    @Test func stepsChecksAndMetricsAreCounted() throws {
        let (batch, notes, _) = Self.tally(
            #"{"step":{"name":"checkout","ms":12.5,"tags":{"plan":"pro","n":3}}}"#,
            #"{"step":{"name":"checkout","ms":2,"failed":true}}"#, #"{"check":{"name":"has token","passed":true}}"#,
            #"{"check":{"name":"has token","passed":false,"tags":{"x":true}}}"#,
            #"{"metric":{"name":"orders","kind":"counter"}}"#,
            #"{"metric":{"name":"orders","kind":"counter","value":2.5}}"#,
            #"{"metric":{"name":"cached","kind":"rate","value":true}}"#,
            #"{"metric":{"name":"cart","kind":"trend","value":19.99,"unit":"EUR","tags":{"a":"b c"}}}"#,
            #"{"metric":{"name":"cart","kind":"trend","value":-1}}"#, #"{"name":"n","ms":1,"step":"checkout"}"#)
        #expect(notes.isEmpty)
        let statistics = batch.statistics
        #expect(statistics.steps.mapValues(\.failed) == ["checkout{n=3,plan=pro}": 0, "checkout": 1])
        #expect(statistics.steps["checkout{n=3,plan=pro}"]?.duration.max == 12_500_000)
        #expect(
            statistics.checks == ["has token": CheckCounts(passed: 1), "has token{x=true}": CheckCounts(failed: 1)])
        #expect(statistics.metrics["orders"]?.sum == 3.5 && statistics.metrics["cached"]?.share == 1)
        let cart = try #require(statistics.metrics["cart{a=\"b c\"}"])
        #expect(cart.unit == "EUR" && cart.last == 19.99 && cart.lastAt == 2)
        #expect(statistics.metrics["cart"]?.refused == 1)
        #expect(statistics.names.keys.sorted() == ["n"])
    }

    @Test(arguments: [
        #"{"step":{"ms":1}}"#, #"{"step":{"name":"s"}}"#, #"{"step":{"name":"s","ms":1,"failed":1}}"#,
        #"{"check":{"name":"c"}}"#, #"{"check":{"name":"c","passed":"yes"}}"#, #"{"check":{"passed":true}}"#,
        #"{"metric":{"name":"m","value":1}}"#, #"{"metric":{"name":"m","kind":"set","value":1}}"#,
        #"{"metric":{"name":"m","kind":"gauge"}}"#, #"{"metric":{"name":"m","kind":"rate","value":0.5}}"#,
        #"{"metric":{"name":"m","kind":"gauge","value":1,"tags":["a"]}}"#,
        #"{"metric":{"name":"m","kind":"gauge","value":1,"tags":{"a":[]}}}"#,
    ])
    func aStepCheckOrMetricThatIsIncompleteIsQuoted(line: String) {
        let (batch, notes, _) = Self.tally(line)
        #expect(notes.count == 1 && notes.first?.contains("no result") == true)
        #expect(batch.statistics.steps.isEmpty && batch.statistics.checks.isEmpty && batch.statistics.metrics.isEmpty)
    }

    @Test func aHitIsInTheSecondInWhichItEndedAndNoBatchReachesOverOne() {
        var tally = LineTally(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))]), start: Self.start)
        func take(_ line: String, at seconds: Double) {
            Array((line + "\n").utf8).withUnsafeBytes {
                tally.take($0, now: Self.start.advanced(by: .seconds(seconds)))
            }
        }
        func batches(at seconds: Double) -> [[Double]] {
            tally.takeBatches(now: Self.start.advanced(by: .seconds(seconds))).map {
                [$0.from, $0.to, Double($0.statistics.hitCount)]
            }
        }
        take(#"{"name":"n","t":0.5,"ms":100}"#, at: 0.7)
        take(#"{"name":"n","t":0.5,"ms":600}"#, at: 1.2)
        take(#"{"name":"n","ms":100}"#, at: 1.2)
        #expect(batches(at: 1.25) == [[0, 1, 1], [1, 1.25, 2]])
        // Told late; and by a clock that is ahead.
        take(#"{"name":"n","t":0.9,"ms":50}"#, at: 1.4)
        take(#"{"name":"n","t":7000000,"ms":50}"#, at: 1.4)
        #expect(batches(at: 2.5) == [[0, 1, 1], [1.25, 2, 1], [2, 2.5, 0]])
    }

    @Test func whatAProgramInterruptsIsCutOffUnlessItWasStopped() {
        var tally = LineTally(plan: Plan(cycles: [.init(users: 1, amount: .iterations(1))]), start: Self.start)
        let lines =
            #"{"iteration":{"outcome":"interrupted","ms":70}}"# + "\n" + #"{"name":"n","ms":1,"error":"cancelled"}"#
            + "\n"
        Array(lines.utf8).withUnsafeBytes { tally.take($0, now: Self.start) }
        let cut = tally.takeWhole(now: Self.start).statistics
        #expect(cut.iterations.cutOff == 1 && cut.service.max == 70_000_000 && cut.failedHitCount == 1)
        tally.isStopped = true
        Array(lines.utf8).withUnsafeBytes { tally.take($0, now: Self.start) }
        let stopped = tally.takeWhole(now: Self.start).statistics
        #expect(stopped.iterations.interrupted == 1 && stopped.iterations.cutOff == 0 && stopped.service.isEmpty)
        #expect(stopped.hitCount == 0 && stopped.cancelledHitCount == 1)
    }

    @Test func arrivalsAndBothTimesOfIterationsAreCounted() {
        let (batch, notes, _) = Self.tally(
            #"{"arrivals":{"planned":5,"started":2,"dropped":1,"lag_ms":[0.5,2]}}"#,
            #"{"arrivals":{"started":1,"cancelled":2,"lag_ms":[1.25]}}"#, #"{"iteration":{"ms":4,"response_ms":7.5}}"#,
            #"{"iteration":{"outcome":"interrupted","ms":100,"response_ms":200}}"#)
        let statistics = batch.statistics
        #expect(notes.isEmpty)
        #expect(statistics.arrivals == ArrivalCounts(planned: 5, started: 3, dropped: 1, cancelled: 2))
        #expect(statistics.scheduleLag.count == 3 && statistics.scheduleLag.max == 2_000_000)
        #expect(statistics.service.max == 100_000_000 && statistics.response.max == 200_000_000)
        #expect(statistics.response.count == 2 && statistics.iterations.cutOff == 1 && statistics.warmUp == nil)
    }

    @Test func theWarmUpIsCountedApart() throws {
        let lines = [
            #"{"name":"a","ms":1W}"#, #"{"iteration":{"ms":2,"failure":{"at":"x","message":"y"}}W}"#,
            #"{"arrivals":{"planned":1,"started":1,"lag_ms":[1]}W}"#, #"{"step":{"name":"s","ms":1}W}"#,
            #"{"check":{"name":"c","passed":true}W}"#, #"{"metric":{"name":"m","kind":"gauge","value":1}W}"#,
        ]
        func all(_ mark: String) -> String {
            lines.map { line in String(line.map { $0 == "W" ? mark : String($0) }.joined()) }.joined(separator: "\n")
        }
        let warm = all(#","warm_up":true"#)
        let (batch, notes, _) = Self.tally(
            warm, all(""), warm, #"{"name":"b","ms":1,"warm_up":true}"#, raw: true, names: 1)
        let apart = try #require(batch.statistics.warmUp)
        for (statistics, count) in [(batch.statistics, 1), (apart, 2)] {
            #expect(statistics.names["a"]?.count == count && statistics.iterations.failed == count)
            #expect(statistics.failures["x"]?.count == count && statistics.arrivals.planned == count)
            #expect(statistics.steps["s"]?.count == count && statistics.checks["c"]?.passed == count)
            #expect(statistics.metrics["m"]?.count == count)
        }
        #expect(notes.isEmpty && apart.names["(other)"]?.count == 1 && batch.statistics.health.overflowedNames == 1)
        #expect(batch.hits.count == 4, "whoever watches sees them all")
    }

    @Test(arguments: [
        #"{"arrivals":{"planned":-1}}"#, #"{"arrivals":{"lag_ms":3}}"#, #"{"arrivals":{"lag_ms":[-1]}}"#,
        #"{"iteration":{"response_ms":"x"}}"#, #"{"arrivals":7}"#,
    ])
    func arrivalsThatAreNoneArePassedOver(_ line: String) {
        let (batch, notes, _) = Self.tally(line)
        #expect(notes.count == 1 && batch.isEmpty, "\(notes)")
    }
}

extension LineTally {
    /// All that was counted, as one batch.
    fileprivate mutating func takeWhole(now: Instant) -> Batch {
        takeBatches(now: now, isLast: true).reduce(into: Batch()) { $0.merge($1) }
    }
}
