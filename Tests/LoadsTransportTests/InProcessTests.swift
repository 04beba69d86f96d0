import LoadsTransport
import Testing

@Suite struct InProcessTests {
    private let conformance = LinkConformance { InProcess.makePair() }

    @Test func reportsArriveInOrder() async throws { try await conformance.reportsArriveInOrder() }
    @Test func commandsArriveInOrder() async throws { try await conformance.commandsArriveInOrder() }
    @Test func aReaderThatStopsHoldsTheSender() async throws { try await conformance.aReaderThatStopsHoldsTheSender() }
    @Test func closingEndsBothSides() async throws { try await conformance.closingEndsBothSides() }
    @Test func closingReleasesASenderThatWaits() async throws {
        try await conformance.closingReleasesASenderThatWaits()
    }
    @Test func aCancelledReaderEnds() async throws { try await conformance.aCancelledReaderEnds() }
}
