import Testing

@testable import loads_cli

@Suite struct InterruptChoiceTests {
    @Test func goingOnWatchingAsksAgainTheNextTime() {
        var choice = InterruptChoice(asks: true)
        #expect(choice.interrupted() == .ask)
        #expect(choice.answered("") == .goOn)
        #expect(choice.interrupted() == .ask)
        #expect(choice.answered("s") == .stop)
        #expect(choice.interrupted() == .abort)
        #expect(choice.interrupted() == .exit)
    }

    @Test func anotherOneDuringTheQuestionEndsAtOnce() {
        var choice = InterruptChoice(asks: true)
        #expect(choice.interrupted() == .ask)
        #expect(choice.interrupted() == .abort)
        #expect(choice.answered("l") == .goOn)
    }

    @Test func oneMayLeave() {
        var choice = InterruptChoice(asks: true)
        #expect(choice.interrupted() == .ask)
        #expect(choice.answered("leave") == .leave)
    }

    @Test func nobodyIsAskedWithoutATerminal() {
        var choice = InterruptChoice(asks: false)
        #expect(choice.interrupted() == .stop)
        #expect(choice.interrupted() == .abort)
        #expect(choice.interrupted() == .exit)
    }
}
