/// Whether the numbers of a run can be trusted: what it says of the generator, not of the target.
public struct Verdict: Sendable, Equatable {
    /// How far the numbers can be trusted.
    public enum Kind: String, Sendable, CaseIterable {
        /// The numbers are the target's.
        case valid
        /// The generator was a bottleneck: the target may be better than the numbers, and latencies may be its own.
        case generatorLimited = "generator-limited"
        /// Something that was measured, or should have been, is not in the numbers.
        case incomplete
    }

    /// One thing that speaks against the numbers.
    public struct Reason: Sendable, Equatable {
        /// What it is about.
        public enum Code: String, Sendable, CaseIterable {
            /// Iterations started late.
            case scheduleLag = "schedule-lag"
            /// The loops did not get round to their work in time.
            case loopLag = "loop-lag"
            /// The loops' threads had to wait for a core.
            case coreWait = "core-wait"
            /// The runner used all the cores that it can.
            case cpu
            /// Arrivals found no user.
            case droppedArrivals = "dropped-arrivals"
            /// Arrivals waited long for a user, because there were as many as there may be.
            case userWait = "user-wait"
            /// No descriptors, or no ports, were left.
            case descriptors
            /// Bodies blocked their loop.
            case blocking
            /// A runner crashed.
            case crash
            /// An agent, or part of what it measured, is missing.
            case agentMissing = "agent-missing"
            /// Iterations started of whose end nothing is known.
            case unended
            /// Iterations were cut off at the end of the grace: how long they would have taken nobody knows.
            case cutOff = "cut-off"
            /// A program did not play its plan, or does not tell whether it did.
            case unplayed
            /// There is no number at all.
            case nothingMeasured = "nothing-measured"
        }

        /// What it is about.
        public var code: Code
        /// In plain words, with the numbers.
        public var text: String
        /// The number behind it; nil where there is none.
        public var actual: Quantity?
        /// The most that it may be; nil where there is no such number.
        public var limit: Quantity?

        /// - Parameter text: In plain words, with the numbers.
        public init(_ code: Code, _ text: String, actual: Quantity? = nil, limit: Quantity? = nil) {
            self.code = code
            self.text = text
            self.actual = actual
            self.limit = limit
        }

        /// What it makes of the run.
        public var kind: Kind {
            switch code {
            case .scheduleLag, .loopLag, .coreWait, .cpu, .droppedArrivals, .userWait, .descriptors, .blocking:
                .generatorLimited
            case .crash, .agentMissing, .unended, .unplayed, .cutOff, .nothingMeasured: .incomplete
            }
        }
    }

    /// The worst of the reasons' kinds; `valid` without one.
    public var kind: Kind
    /// Everything that speaks against the numbers, what is missing first.
    public var reasons: [Reason]

    /// - Parameter reasons: In any order of kinds; those of a kind keep theirs.
    public init(_ reasons: [Reason] = []) {
        let missing = reasons.filter { $0.kind == .incomplete }
        self.reasons = missing + reasons.filter { $0.kind != .incomplete }
        kind = !missing.isEmpty ? .incomplete : reasons.isEmpty ? .valid : .generatorLimited
    }
}
