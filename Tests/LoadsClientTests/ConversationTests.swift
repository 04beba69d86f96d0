import LoadsCore
import LoadsWire
import Testing

@testable import LoadsClient

@Suite struct ConversationTests {
    /// `#expect` takes no mutating calls.
    private final class Talk {
        private var conversation = Conversation()
        func ask(_ ask: ClientRequest.Ask) -> (asked: Int, request: ClientRequest) { conversation.ask(ask) }
        func again(_ number: Int) -> ClientRequest? { conversation.again(number) }
        func take(_ answer: ClientAnswer) -> Conversation.Outcome { conversation.take(answer) }
    }

    private static func piece(_ name: String, more: Bool) -> ClientAnswer.Answer {
        var statistics = Statistics()
        statistics.names[name] = NameStatistics()
        statistics.names[name]?.count = 1
        let plan = Plan(cycles: [.init(users: 1, amount: .iterations(1))])
        return .snapshot(
            RunSnapshot(
                boot: "b",
                submission: RunSubmission(
                    run: "r", target: "t", isURLTarget: true, launch: RunnerLaunch(program: .builtIn("url")),
                    order: RunnerOrder(plan: plan)),
                state: .running, startedAt: nil, elapsed: 0, interrupted: false, sequences: [:],
                statistics: statistics, agents: [], more: more))
    }

    @Test func anAnswerFindsItsQuestion() {
        let conversation = Talk()
        let first = conversation.ask(.status)
        let second = conversation.ask(.stop(run: "r", abort: false))
        #expect(
            conversation.take(ClientAnswer(id: second.request.id, answer: .done))
                == .answered(asked: second.asked, .done))
        #expect(conversation.take(ClientAnswer(id: second.request.id, answer: .done)) == .nothing)
        #expect(conversation.again(second.asked) == nil)
        #expect(conversation.again(first.asked)?.ask == .status)
    }

    @Test func theAnswerToAnEarlierAttemptIsPassedOver() throws {
        let conversation = Talk()
        let first = conversation.ask(.status)
        let again = try #require(conversation.again(first.asked))
        #expect(again.id != first.request.id)
        #expect(conversation.take(ClientAnswer(id: first.request.id, answer: .done)) == .nothing)
        #expect(
            conversation.take(ClientAnswer(id: again.id, answer: .done)) == .answered(asked: first.asked, .done))
    }

    @Test func thePiecesOfASnapshotAreOneAnswer() throws {
        let conversation = Talk()
        let ask = conversation.ask(.snapshot(run: "r"))
        #expect(
            conversation.take(ClientAnswer(id: ask.request.id, answer: Self.piece("a", more: true))) == .nothing)
        let outcome = conversation.take(ClientAnswer(id: ask.request.id, answer: Self.piece("b", more: false)))
        guard case .answered(_, .snapshot(let whole)) = outcome else {
            Issue.record("no snapshot: \(outcome)")
            return
        }
        #expect(Set(whole.statistics.names.keys) == ["a", "b"])
        #expect(!whole.more)
    }

    @Test func thePiecesOfAStatusAndOfSecondsAreOneAnswer() {
        let conversation = Talk()
        func status(_ run: String, more: Bool) -> ClusterStatus {
            ClusterStatus(
                boot: "b", agents: [],
                runs: [
                    .init(
                        run: run, target: "t", state: .ended, startedAt: nil, elapsed: 0, users: 0,
                        iterations: IterationCounts(), hits: 0, failedHits: 0)
                ], more: more)
        }
        let first = conversation.ask(.status)
        let id = first.request.id
        #expect(conversation.take(ClientAnswer(id: id, answer: .status(status("a", more: true)))) == .nothing)
        var whole = status("a", more: false)
        whole.runs += status("b", more: false).runs
        #expect(
            conversation.take(ClientAnswer(id: id, answer: .status(status("b", more: false))))
                == .answered(asked: first.asked, .status(whole)))

        func second(_ number: Int, _ name: String) -> MeasuredSecond {
            var statistics = Statistics()
            statistics.names[name] = NameStatistics()
            return MeasuredSecond(second: number, statistics)
        }
        let ask = conversation.ask(.seconds(run: "r", from: 0))
        let pieces = [
            SecondsPage([second(1, "a"), second(2, "a")], more: true), SecondsPage([second(2, "b")], more: true),
        ]
        for piece in pieces {
            #expect(conversation.take(ClientAnswer(id: ask.request.id, answer: .seconds(piece))) == .nothing)
        }
        guard
            case .answered(_, .seconds(let page)) = conversation.take(
                ClientAnswer(id: ask.request.id, answer: .seconds(SecondsPage([second(3, "a")]))))
        else {
            Issue.record("no seconds")
            return
        }
        #expect(page.seconds.map(\.second) == [1, 2, 3] && !page.more)
        #expect(page.seconds[1].statistics.names.keys.sorted() == ["a", "b"])
    }

    @Test func thePiecesOfTwoAttemptsDoNotMix() throws {
        let conversation = Talk()
        let ask = conversation.ask(.snapshot(run: "r"))
        _ = conversation.take(ClientAnswer(id: ask.request.id, answer: Self.piece("a", more: true)))
        let again = try #require(conversation.again(ask.asked))
        _ = conversation.take(ClientAnswer(id: ask.request.id, answer: Self.piece("b", more: false)))
        let outcome = conversation.take(ClientAnswer(id: again.id, answer: Self.piece("c", more: false)))
        guard case .answered(_, .snapshot(let whole)) = outcome else {
            Issue.record("no snapshot: \(outcome)")
            return
        }
        #expect(Set(whole.statistics.names.keys) == ["c"])
    }
}
