/// The files that a run writes.
struct Outputs {
    let json: OutputFile?
    let stream: OutputFile?

    /// Opens them.
    ///
    /// - Throws: ``UsageError`` with all that cannot be written.
    init(_ run: CheckedRun) throws(UsageError) { try self.init(json: run.json, stream: run.stream) }

    init(json jsonPath: String?, stream streamPath: String?) throws(UsageError) {
        var problems: [String] = []
        func open(_ path: String?, _ option: String) -> OutputFile? {
            guard let path else { return nil }
            do throws(UsageError) {
                return try OutputFile(path: path, option: option)
            } catch {
                problems += error.problems
                return nil
            }
        }
        json = open(jsonPath, "--json")
        stream = open(streamPath, "--stream")
        if let json, let stream, json.isSameFile(as: stream) {
            problems.append(
                "--json \(json.path) and --stream \(stream.path) are the same file: give them files of their own")
        }
        guard problems.isEmpty else {
            json?.discard()
            stream?.discard()
            throw UsageError(problems)
        }
    }

    private init() { (json, stream) = (nil, nil) }

    /// Nothing is written.
    static let none = Outputs()

    func begin() {
        json?.begin()
        stream?.begin()
    }

    func discard() {
        json?.discard()
        stream?.discard()
    }
}
