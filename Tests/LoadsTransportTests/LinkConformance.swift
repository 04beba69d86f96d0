import LoadsCore
import LoadsTransport
import LoadsWire
import Synchronization
import Testing

/// What every pair of links must do, whatever carries it.
struct LinkConformance {
    let makePair: @Sendable () async throws -> (master: any MasterLink, agent: any AgentLink)

    func reportsArriveInOrder() async throws {
        let (master, agent) = try await makePair()
        let sending = Task {
            for number in 0..<500 { await agent.send(.note(run: "r", "\(number)")) }
            agent.close()
        }
        var found: [String] = []
        for await report in master.reports { if case .note(_, let text) = report { found.append(text) } }
        await sending.value
        #expect(found == (0..<500).map { "\($0)" })
    }

    func commandsArriveInOrder() async throws {
        let (master, agent) = try await makePair()
        let sending = Task {
            for number in 0..<500 { await master.send(.stop(run: "\(number)")) }
            master.close()
        }
        var found: [String] = []
        for await command in agent.commands { if case .stop(let run) = command { found.append(run) } }
        await sending.value
        #expect(found == (0..<500).map { "\($0)" })
    }

    /// Without a reader a sender gets stuck after a bounded number of reports, and goes on when they are read.
    func aReaderThatStopsHoldsTheSender() async throws {
        let (master, agent) = try await makePair()
        let sent = Mutex(0)
        let sending = Task {
            for number in 0..<100_000 {
                await agent.send(.note(run: "r", "\(number)"))
                sent.withLock { $0 = number + 1 }
            }
            agent.close()
        }
        var last = -1
        while true {
            try await Task.sleep(for: .milliseconds(50))
            let now = sent.withLock { $0 }
            if now == last { break }
            last = now
        }
        #expect(last < 100_000)
        var received = 0
        for await _ in master.reports { received += 1 }
        await sending.value
        #expect(received == 100_000)
    }

    func closingEndsBothSides() async throws {
        for closer in ["master", "agent"] {
            let (master, agent) = try await makePair()
            if closer == "master" { master.close() } else { agent.close() }
            for await _ in agent.commands {}
            for await _ in master.reports {}
            // Nobody reads any more: sending must not wait.
            for _ in 0..<100 { await agent.send(.note(run: "r", "late")) }
            for _ in 0..<100 { await master.send(.stop(run: "late")) }
        }
    }

    func closingReleasesASenderThatWaits() async throws {
        let (master, agent) = try await makePair()
        let sending = Task { for _ in 0..<100_000 { await agent.send(.note(run: "r", "x")) } }
        try await Task.sleep(for: .milliseconds(20))
        master.close()
        await sending.value
    }

    func aCancelledReaderEnds() async throws {
        let (master, agent) = try await makePair()
        let reading = Task { for await _ in master.reports {} }
        try await Task.sleep(for: .milliseconds(20))
        reading.cancel()
        await reading.value
        agent.close()
    }
}
