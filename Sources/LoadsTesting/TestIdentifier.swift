import Testing
import XCTest

/// What a test is called on the command line: `Module.Suite/test`, `Module.Outer.Inner/test`, `Module/test`.
enum TestIdentifier {
    /// - Parameter qualified: With the argument labels, `test(number:)`, where the name alone is ambiguous.
    static func of(_ test: Test, qualified: Bool = false) -> String {
        let id = test.id
        guard !test.isSuite, let function = id.nameComponents.last else {
            return ([id.moduleName] + id.nameComponents).joined(separator: ".")
        }
        let suite = ([id.moduleName] + id.nameComponents.dropLast()).joined(separator: ".")
        return suite + "/" + (qualified ? function : baseName(function))
    }

    static func of(_ testClass: XCTestCase.Type, _ name: String) -> String {
        String(reflecting: testClass) + "/" + name
    }

    /// The identifiers of all test functions, each with its test. Overloads bear their argument labels.
    static func all(of tests: [Test]) -> [(identifier: String, test: Test)] {
        let functions = tests.filter { !$0.isSuite }
        let plain = Dictionary(functions.map { (of($0), 1) }, uniquingKeysWith: +)
        return functions.map { test in
            let identifier = of(test)
            return (plain[identifier] == 1 ? identifier : of(test, qualified: true), test)
        }
    }

    /// `test(number:)` → `test`. A raw identifier in backticks is left as it is up to its closing one.
    private static func baseName(_ function: String) -> String {
        if function.first == "`", let close = function.dropFirst().firstIndex(of: "`") {
            return String(function[...close])
        }
        return String(function.prefix { $0 != "(" })
    }
}
