import LoadsSession
import Testing

/// Checks, metrics and steps with tags, of which some do not hold.
@Suite struct Measured {
    let session = Session()

    @Test func isTagged() async throws {
        let isPro = Iteration.number % 4 == 0
        let plan = ["plan": isPro ? "pro" : "free", "from": "the east"]
        let page = try await session.get("/", name: "front page").requireSuccess()
        // Not there; what follows is done all the same.
        check("has token", page.text.contains("token"), tags: plan)
        check("names its author", page.text.contains("Tarek"), tags: ["page": "front"])
        await step("look", tags: plan) { _ = check("is pro", isPro) }
        Metric.count("articles", 3, tags: plan)
        Metric.rate("long", page.body.count > 100, tags: ["page": "front"])
        Metric.gauge("turn", Iteration.number, tags: ["page": "front"])
        Metric.trend("length", page.body.count, unit: "bytes", tags: ["page": "front"])
    }
}
