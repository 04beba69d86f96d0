import Testing
import XCTest

/// Which set-ups tests ask for.
enum WantedSetUps {
    /// Each once, those of the outermost suite first.
    static func of(
        _ tests: [Test], in all: [Test], _ classes: [XCTestCase.Type]
    ) -> [any RunSetUp.Type] {
        var seen: Set<ObjectIdentifier> = []
        let wanted = tests.flatMap { of($0, in: all) } + classes.flatMap { of($0) }
        return wanted.filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    static func of(_ test: Test, in all: [Test]) -> [any RunSetUp.Type] {
        let around = all.filter { $0.isSuite && $0.id.contains(test.id) }
            .sorted { $0.id.nameComponents.count < $1.id.nameComponents.count }
        return (around + [test]).flatMap(\.traits).compactMap { $0 as? SetUpTrait }.flatMap(\.setUps)
    }

    static func of(_ testClass: XCTestCase.Type) -> [any RunSetUp.Type] {
        (testClass as? any RunSetUpUser.Type)?.runSetUps ?? []
    }
}
