import LoadsSession
import Testing

@Suite struct Checkout {
    let session = Session()

    @Test func buys() async throws {
        let customer = try TestData.customers.next()
        let article = try TestData.articles.next()

        try await step("sign in") {
            let page = try await session.get("/", query: ["customer": customer.name], name: "front page")
            try page.requireSuccess()
            check("knows the author", page.text.contains("Tarek"))
        }
        try await step("checkout", tags: ["plan": customer.plan.rawValue]) {
            try await step("cart") {
                try await session.get("/", query: ["article": article.title], name: "article").requireSuccess()
            }
            try await session.get("/", query: ["order": "\(Iteration.user)-\(Iteration.number)"], name: "order")
                .requireSuccess()
        }
        Metric.count("orders")
        Metric.trend("cart", article.price, unit: "EUR")
        Metric.rate("pro customers", customer.plan == .pro)
        Metric.gauge("last user", Iteration.user)
    }
}
