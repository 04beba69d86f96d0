import ArgumentParser
import LoadsWire

/// The name of a run on the command line.
enum RunName {
    /// - Throws: For what no run can be called: a master would not understand the question.
    static func read(_ text: String) throws -> String {
        guard WireLimits.isIdentifier(text) else {
            throw ValidationError("'\(text)' is not the name of a run (`loads status` lists them)")
        }
        return text
    }
}
