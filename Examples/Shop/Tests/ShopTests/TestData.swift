import LoadsSession

struct Customer: Decodable {
    enum Plan: String, Decodable {
        case free, pro
    }

    var name: String
    var plan: Plan
}

struct Article: Decodable {
    var title: String
    var price: Double
}

enum TestData {
    /// One for each user of the run, on whatever agent.
    static let customers = Feeder.csv("customers.csv", of: Customer.self, .unique())
    static let articles = Feeder.json("articles.json", of: Article.self, .random)
}
