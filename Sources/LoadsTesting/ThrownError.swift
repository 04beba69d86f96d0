import LoadsCore
import LoadsSession
import Synchronization
import Testing
import XCTest

/// What an error that ended a test's body means for the iteration.
enum ThrownError {
    /// Decides, and records the failure if it is one.
    ///
    /// - Parameter test: The test's identifier: failures by errors are grouped under it and the error's kind.
    static func outcome(_ error: any Error, test: String, phase: String? = nil, in context: IterationContext)
        -> IterationOutcome
    {
        switch kind(of: error) {
        case .skip: return .skipped
        // `#require` and `XCTUnwrap` have recorded their failure, at its place, before they threw.
        case .recorded where context.hasFailed: return .failed
        case .recorded, .failure: break
        }
        // The iteration is cancelled by the end of the run: it counts as interrupted, its errors are of our making.
        if Task.isCancelled { return .failed }
        context.fail(at: Places.shared.thrown(error, test: test, phase: phase), message: "\(error)")
        return .failed
    }

    enum Kind {
        case failure
        case skip
        case recorded
    }

    static func kind(of error: any Error) -> Kind {
        if error is XCTSkip || error is IterationCancelled { return .skip }
        if let error = error as? DataError, error.code == .stopped { return .skip }
        if error is ExpectationFailedError { return .recorded }
        return kinds.withLock { kinds in
            let type = type(of: error)
            if let kind = kinds[ObjectIdentifier(type)] { return kind }
            // Neither type can be named: one is SPI, one internal.
            let kind: Kind =
                switch String(reflecting: type) {
                case "Testing.SkipInfo": .skip
                case let name where name.hasPrefix("XCTest.") && name.hasSuffix("ErrorWhileUnwrappingOptional"):
                    .recorded
                default: .failure
                }
            kinds[ObjectIdentifier(type)] = kind
            return kind
        }
    }

    private static let kinds = Mutex<[ObjectIdentifier: Kind]>([:])
}

extension Places {
    /// `Module.Suite/test threw SessionError.connect`: bounded in number, whatever the messages say.
    func thrown(_ error: any Error, test: String, phase: String?) -> String {
        let code = (error as? SessionError).map { ".\($0.code)" } ?? ""
        return "\(test) \(phase.map { $0 + " " } ?? "")threw \(type(of: error))\(code)"
    }
}
