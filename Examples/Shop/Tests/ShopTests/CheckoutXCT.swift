import LoadsSession
import XCTest

final class CheckoutXCT: XCTestCase {
    let session = Session()

    func testBuys() async throws {
        let customer = try TestData.customers.next()
        try await step("sign in") {
            let page = try await session.get("/", query: ["customer": customer.name], name: "front page")
            XCTAssertEqual(page.status, 200)
            check("knows the author", page.text.contains("Tarek"))
        }
    }
}
