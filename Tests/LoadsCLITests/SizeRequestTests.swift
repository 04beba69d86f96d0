import LoadsCore
import LoadsReport
import Testing

@testable import loads_cli

@Suite struct SizeRequestTests {
    private func request(_ options: [(String, String)], to: String? = nil, precision: String? = nil) throws
        -> SizeRequest
    {
        var settings = Settings()
        settings.add("target", "http://h/", label: "target")
        for (name, value) in [("expect", "p95 < 1s")] + options { settings.add(name, value, label: "--\(name)") }
        return try SizeRequest(CheckedRun(settings), to: to, precision: precision)
    }

    @Test func stepsHaveUsersAndALength() throws {
        let request = try request([("users", "4"), ("duration", "3s")], to: "64", precision: "10%")
        #expect(request.unit == .users && request.first == 4 && request.largest == 64 && request.precision == 0.1)
        #expect(request.step(7).plan.cycles == [.init(users: 7, amount: .duration(.seconds(3)))])
        #expect(try self.request([]).step(2).plan.cycles == [.init(users: 2, amount: .duration(.seconds(10)))])
    }

    @Test func withARateStepsHaveArrivals() throws {
        let request = try request([("rate", "50/s"), ("duration", "5s")])
        #expect(request.unit == .rate && request.first == 50)
        let arrivals = try #require(request.step(200).plan.arrivals)
        #expect(arrivals.stages.allSatisfy { $0.rate == .perSecond(200) })
        #expect(arrivals.length == .seconds(5))
        #expect(arrivals.maxUsers == 2000, "as many as a rate of 200/s may need")
        let bounded = try self.request([("rate", "50/s"), ("duration", "5s"), ("max-users", "7")])
        #expect(bounded.step(200).plan.arrivals?.maxUsers == 7)
    }

    @Test func fractionsOfARateAreWhatTheyAre() throws {
        let half = try request([("rate", "0.5/s"), ("duration", "5s")])
        #expect(half.unit == .perMinute && half.first == 30 && half.largest == 600_000)
        #expect(half.step(45).plan.arrivals?.stages[1].rate == (try ArrivalRate.parse("45/m")))
        let minute = try request([("rate", "90/m"), ("duration", "5s")], to: "3/s")
        #expect(minute.unit == .perMinute && minute.first == 90 && minute.largest == 180)
        let hour = try request([("rate", "20/h"), ("duration", "1h")], to: "2/m")
        #expect(hour.unit == .perHour && hour.first == 20 && hour.largest == 120)
        let whole = try request([("rate", "120/m"), ("duration", "5s")], to: "7")
        #expect(whole.unit == .rate && whole.first == 2 && whole.largest == 7)
    }

    @Test func whatIsSaidOfTheQueueHoldsInEachStep() throws {
        let none = try request([("rate", "50/s"), ("duration", "5s"), ("queue", "0")])
        #expect(none.step(400).plan.arrivals?.queue == 0 && none.step(400).plan.arrivals?.maxUsers == 4000)
        let standard = try request([("rate", "50/s"), ("duration", "5s")])
        #expect(standard.step(400).plan.arrivals?.queue == 4000)
    }

    @Test(arguments: [
        ([("users", "1:2"), ("duration", "1s")], nil as String?, "--users: a search has one number"),
        ([("iterations", "7")], nil, "--iterations 7: the steps of a search have a length"),
        ([("stages", "10s:5,10s:0")], nil, "--stages: each step of a search has one load"),
        ([("stream", "x.ndjson")], nil, "--stream: a search has many runs"),
        ([("users", "9")], "3", "--to 3: less than the load to begin with, 9"),
        ([], "none", "--to none: not a whole number"),
        ([("rate", "5/s"), ("duration", "1s")], "90/m", "--to 90/m: less than the load to begin with, 5/s"),
        ([("rate", "0.1/h"), ("duration", "100h")], nil, "--rate 0.1/h: a search has whole arrivals"),
    ])
    func refusesWhatIsNoSearch(_ options: [(String, String)], _ to: String?, _ problem: String) throws {
        do {
            _ = try request(options, to: to)
            Issue.record("taken")
        } catch let error as UsageError {
            #expect(error.problems.contains { $0.hasPrefix(problem) }, "\(error.problems)")
        }
    }
}
