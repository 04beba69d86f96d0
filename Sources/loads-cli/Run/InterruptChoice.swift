import Synchronization

/// What Ctrl-C means to somebody who watches a run on agents: ask, stop, end at once, and at last go without a report.
struct InterruptChoice: Sendable {
    enum Action: Sendable, Equatable {
        case ask
        case stop
        case abort
        case exit
        case leave
        case goOn
    }

    private enum State {
        case watching
        case asking
        case stopping
        case aborting
    }

    private let asks: Bool
    private var state = State.watching

    /// - Parameter asks: Whether there is a person to be asked.
    init(asks: Bool) { self.asks = asks }

    mutating func interrupted() -> Action {
        switch state {
        case .watching:
            state = asks ? .asking : .stopping
            return asks ? .ask : .stop
        case .asking, .stopping:
            state = .aborting
            return .abort
        case .aborting: return .exit
        }
    }

    /// The answer to the question; one that comes after another Ctrl-C decides nothing any more.
    mutating func answered(_ answer: String) -> Action {
        guard case .asking = state else { return .goOn }
        switch answer.first {
        case "s":
            state = .stopping
            return .stop
        case "l", "d": return .leave
        default:
            // The next Ctrl-C asks again.
            state = .watching
            return .goOn
        }
    }
}

/// The choice, for the thread of signals and the one that reads the answer.
final class ChoiceKeeper: Sendable {
    private let choice: Mutex<InterruptChoice>

    init(_ choice: InterruptChoice) { self.choice = Mutex(choice) }

    func interrupted() -> InterruptChoice.Action { choice.withLock { $0.interrupted() } }
    func answered(_ answer: String) -> InterruptChoice.Action { choice.withLock { $0.answered(answer) } }
}
