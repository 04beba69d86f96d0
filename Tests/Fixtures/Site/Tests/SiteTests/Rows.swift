import LoadsSession
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Tests that take their values from files and from the environment.
@Suite struct Rows {
    let session = Session()

    private static let once = Feeder.csv("rows.csv", .sequential(atEnd: .stop))
    private static let few = Feeder.csv("rows.csv", .sequential(atEnd: .fail))
    private static let own = Feeder.csv("rows.csv", .unique())
    /// In order and from the beginning again, which is what a feeder does that is told nothing.
    private static let again = Feeder.csv("rows.csv")
    private static let any = Feeder.csv("rows.csv", .random)
    private static let wrong = Feeder.csv("wrong.csv")

    private func send(_ row: DataRow) async throws {
        try await session.get("/", query: ["row": row["number"]], name: "row").requireSuccess()
    }

    @Test func stopAtTheirEnd() async throws { try await send(Self.once.next()) }
    @Test func failAtTheirEnd() async throws { try await send(Self.few.next()) }
    @Test func belongToOneUser() async throws { try await send(Self.own.next()) }
    @Test func beginAgain() async throws { try await send(Self.again.next()) }
    @Test func areDrawn() async throws { try await send(Self.any.next()) }
    @Test func areWrong() async throws { try await send(Self.wrong.next()) }

    @Test func environment() async throws {
        let value = ProcessInfo.processInfo.environment["SITE_WORD"] ?? "none"
        try await session.get("/", query: ["word": value], name: "word").requireSuccess()
    }
}
