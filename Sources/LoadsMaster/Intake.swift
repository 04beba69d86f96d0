/// Takes every result exactly once: of each agent in each run only the next sequence number. A pure structure.
struct Intake {
    /// One agent's results in one run, under one epoch.
    struct Source: Hashable, Sendable {
        var agent: String
        var epoch: String
        /// Which of the run's attempts: each numbers its results anew.
        var attempt = 0
    }

    enum Verdict: Equatable {
        case next
        /// It was taken before: its acknowledgement may have been lost.
        case duplicate
        /// Something before it is missing: the agent sends that again, and this after it.
        case gap
        /// Nobody has a part in the run under that epoch.
        case stranger
    }

    /// The last number taken of each source.
    private(set) var taken: [Source: UInt64] = [:]
    /// The last number stored of each source.
    private(set) var stored: [Source: UInt64] = [:]
    /// Sources that wait for a word: something new was stored, or they sent something that was.
    private var due: Set<Source> = []

    /// A source that has a part in the run.
    mutating func admit(_ source: Source, stored number: UInt64 = 0) {
        guard taken[source] == nil else { return }
        taken[source] = number
        stored[source] = number
    }

    func verdict(_ source: Source, _ sequence: UInt64) -> Verdict {
        guard let last = taken[source] else { return .stranger }
        if sequence <= last { return .duplicate }
        return sequence == last &+ 1 ? .next : .gap
    }

    /// Judges a number, and takes it when it is the next.
    mutating func take(_ source: Source, _ sequence: UInt64) -> Verdict {
        let verdict = verdict(source, sequence)
        switch verdict {
        case .next: taken[source] = sequence
        // What is taken and not stored yet is acknowledged when it is.
        case .duplicate where stored[source]! > 0: due.insert(source)
        default: break
        }
        return verdict
    }

    /// Asks for an acknowledgement to be sent again: the source is back after a cut.
    mutating func remind(_ source: Source) {
        if stored[source, default: 0] > 0 { due.insert(source) }
    }

    /// These numbers are stored now.
    mutating func stored(_ numbers: [Source: UInt64]) {
        for (source, number) in numbers where number > stored[source, default: 0] {
            stored[source] = number
            due.insert(source)
        }
    }

    /// The acknowledgements to send.
    mutating func acknowledgements() -> [(source: Source, sequence: UInt64)] {
        defer { due.removeAll(keepingCapacity: true) }
        return due.map { ($0, stored[$0]!) }
    }
}

extension Intake.Source {
    /// What the storage knows its epoch by: numbers of two attempts are not mixed up.
    var storedEpoch: String { attempt == 0 ? epoch : "\(epoch).again\(attempt)" }
}
