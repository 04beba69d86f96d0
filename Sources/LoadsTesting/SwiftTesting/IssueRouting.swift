import LoadsCore
import Testing

/// Takes the issues of a load run away from Swift Testing and charges them to their iterations.
enum IssueRouting {
    /// For the scope of a parked case. Nothing is passed on: neither printed nor counted by Swift Testing, whose own
    /// total is wrong under load.
    ///
    /// - Parameter countsOrphans: An issue without a context is offered to every scope of the process; one of them must
    ///   count it.
    static func trait(countsOrphans: Bool) -> IssueHandlingTrait {
        .compactMapIssues { issue in
            if countsOrphans || IterationContext.current != nil { record(issue) }
            return nil
        }
    }

    /// Within a plain `swift test`: what no iteration can be charged with is an ordinary issue of the test.
    static let withinSmallRun = IssueHandlingTrait.compactMapIssues { issue in
        guard IterationContext.current != nil else { return issue }
        record(issue)
        return nil
    }

    private static func record(_ issue: Issue) {
        // Known issues and warnings are no failures.
        guard issue.isFailure else { return }
        guard let context = IterationContext.current else { return OrphanFailures.record() }
        let place = issue.sourceLocation.map { Places.shared.source($0.fileID, $0.line) } ?? "unknown place"
        context.fail(at: place, message: message(of: issue))
    }

    private static func message(of issue: Issue) -> String {
        let comments = issue.comments.map(\.rawValue).joined(separator: ", ")
        return comments.isEmpty ? "\(issue.kind)" : "\(issue.kind): \(comments)"
    }
}
