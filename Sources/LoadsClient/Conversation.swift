import LoadsCore
import LoadsWire

/// Which requests wait for which answers. A pure structure: what to send comes out, what came goes in.
///
/// A request that is not answered is asked again under a new number, so that the pieces of two answers never mix; an
/// answer to an old number is passed over.
struct Conversation {
    /// What to do with an answer.
    enum Outcome: Equatable {
        /// It answers nothing that is asked now, or more pieces follow.
        case nothing
        case answered(asked: Int, ClientAnswer.Answer)
    }

    private struct Open {
        var ask: ClientRequest.Ask
        /// The number of the latest attempt.
        var attempt: Int
        /// The pieces of its answer so far.
        var pieces: ClientAnswer.Answer?
    }

    private var lastNumber = 0
    /// By the number of the first attempt.
    private var open: [Int: Open] = [:]
    private var asked: [Int: Int] = [:]

    /// Makes a request.
    ///
    /// - Returns: Under which number to find its answer, and what to send.
    mutating func ask(_ ask: ClientRequest.Ask) -> (asked: Int, request: ClientRequest) {
        lastNumber += 1
        open[lastNumber] = Open(ask: ask, attempt: lastNumber)
        asked[lastNumber] = lastNumber
        return (lastNumber, ClientRequest(id: lastNumber, ask: ask))
    }

    /// Asks again; nil when it has been answered.
    mutating func again(_ number: Int) -> ClientRequest? {
        guard var entry = open[number] else { return nil }
        asked[entry.attempt] = nil
        lastNumber += 1
        entry.attempt = lastNumber
        entry.pieces = nil
        open[number] = entry
        asked[lastNumber] = number
        return ClientRequest(id: lastNumber, ask: entry.ask)
    }

    /// Gives up on an answer.
    mutating func forget(_ number: Int) {
        guard let entry = open.removeValue(forKey: number) else { return }
        asked[entry.attempt] = nil
    }

    /// Takes an answer; the pieces of a large one come out as one.
    mutating func take(_ answer: ClientAnswer) -> Outcome {
        guard let number = asked[answer.id], var entry = open[number] else { return .nothing }
        let result = entry.pieces?.joined(with: answer.answer) ?? answer.answer
        if result.more {
            entry.pieces = result
            open[number] = entry
            return .nothing
        }
        forget(number)
        return .answered(asked: number, result)
    }
}
