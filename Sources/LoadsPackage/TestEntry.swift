/// A test of a package, as its own process lists it.
public struct TestEntry: Sendable, Hashable, Decodable {
    /// The framework it is written for.
    public enum Kind: String, Sendable, Decodable {
        /// `@Test` of Swift Testing.
        case swiftTesting = "swift-testing"
        /// A method of an `XCTestCase`.
        case xcTest = "xctest"
    }

    /// `Module.Suite/test`, `Module.Outer.Inner/test` or `Module/test`.
    public var id: String
    /// The framework it is written for.
    public var kind: Kind
    /// Whether it has a case for each of its arguments.
    public var parameterized: Bool
    /// Those of the test and of the suites around it, such as `.fast`, sorted.
    public var tags: [String]
    /// Why it never runs; empty without a comment, nil if it may run.
    public var disabled: String?
    /// `Module/File.swift`, if known.
    public var file: String?
    /// Its line in ``file``, from 1, if known.
    public var line: Int?
    /// Whether something is to be set up once for the whole run.
    public var setUp: Bool?

    /// - Parameter id: `Module.Suite/test`, or `Module/test`.
    public init(
        id: String, kind: Kind, parameterized: Bool = false, tags: [String] = [], disabled: String? = nil,
        file: String? = nil, line: Int? = nil, setUp: Bool? = nil
    ) {
        self.id = id
        self.kind = kind
        self.parameterized = parameterized
        self.tags = tags
        self.disabled = disabled
        self.file = file
        self.line = line
        self.setUp = setUp
    }
}
