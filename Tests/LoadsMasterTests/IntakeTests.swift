import Testing

@testable import LoadsMaster

@Suite struct IntakeTests {
    private let source = Intake.Source(agent: "a", epoch: "1")

    @Test func takesOnlyTheNextOfEachSource() {
        var intake = Intake()
        intake.admit(source)
        #expect(intake.take(source, 2) == .gap)
        #expect(intake.take(source, 1) == .next)
        #expect(intake.take(source, 1) == .duplicate)
        #expect(intake.take(source, 0) == .duplicate)
        #expect(intake.take(source, 2) == .next)
        #expect(intake.take(source, .max) == .gap)
        #expect(intake.take(Intake.Source(agent: "a", epoch: "2"), 3) == .stranger)
    }

    @Test func acknowledgesWhatIsStoredAndAgainWhatComesAgain() {
        var intake = Intake()
        intake.admit(source)
        for number in 1...3 { _ = intake.take(source, UInt64(number)) }
        #expect(intake.acknowledgements().isEmpty)
        #expect(intake.take(source, 3) == .duplicate)
        #expect(intake.acknowledgements().isEmpty, "nothing is stored yet")
        intake.stored([source: 2])
        #expect(intake.acknowledgements().map(\.sequence) == [2])
        #expect(intake.acknowledgements().isEmpty)
        _ = intake.take(source, 1)
        #expect(intake.acknowledgements().map(\.sequence) == [2])
        intake.remind(source)
        #expect(intake.acknowledgements().map(\.sequence) == [2])
    }

    @Test func goesOnWhereAStoredOneWas() {
        var intake = Intake()
        intake.admit(source, stored: 7)
        intake.admit(source)
        #expect(intake.take(source, 7) == .duplicate)
        #expect(intake.acknowledgements().map(\.sequence) == [7])
        #expect(intake.take(source, 8) == .next)
    }
}
