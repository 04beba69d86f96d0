import Glibc
import LoadsWire

/// The folder of an agent: its identity, what is not acknowledged, shipped files, and the folders of runs.
///
/// Without a data directory all but the results lies in a temporary folder, made when it is needed.
final class AgentHome {
    let store: SpoolStore?
    private let data: String?
    private let filesLimit: Int
    private var temporary: String?
    private var files: FileCache?
    private var lock: Int32 = -1

    /// - Parameter filesLimit: Bytes of shipped files.
    /// - Throws: ``AgentError`` when the folder cannot be used, or another agent uses it.
    init(data: String?, filesLimit: Int) throws(AgentError) {
        self.filesLimit = filesLimit
        guard var data else {
            (self.data, store) = (nil, nil)
            return
        }
        // Runners are started in folders of their own: a relative path would be one of theirs.
        if !data.hasPrefix("/") { data = Files.workingDirectory + "/" + data }
        self.data = data
        try Files.makeDirectory(data)
        lock = open("\(data)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            if lock >= 0 { close(lock) }
            throw AgentError("\(data): another agent uses this folder: give each one its own --data", code: 64)
        }
        Files.removeTree("\(data)/runs")
        store = try SpoolStore(directory: "\(data)/spool")
    }

    deinit { leave() }

    /// Removes what is temporary, and lets another agent use the folder.
    func leave() {
        if let temporary { Files.removeTree(temporary) }
        temporary = nil
        if lock >= 0 { close(lock) }
        lock = -1
    }

    func cache() throws(AgentError) -> FileCache {
        if let files { return files }
        let cache = try FileCache(directory: "\(try place())/files", limit: filesLimit)
        files = cache
        return cache
    }

    func runFolder(_ run: String) throws(AgentError) -> String { "\(try place())/runs/\(run)" }

    private func place() throws(AgentError) -> String {
        if let place = data ?? temporary { return place }
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/loads-agent-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw AgentError("\(parent): no temporary folder can be made there: \(String(cString: strerror(errno)))")
        }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        temporary = made
        return made
    }
}

/// The stable identity of an agent.
public enum AgentIdentity {
    /// Whether a text may be one: 1 to 64 letters, digits, `-`, `_` or `.`.
    public static func isValid(_ text: String) -> Bool { WireLimits.isIdentifier(text) }

    /// The identity: the one that is given, or else the one kept in the data directory, which is drawn at first, or
    /// else one for the life of this process.
    public static func load(given: String?, data: String?) throws(AgentError) -> String {
        if let given {
            guard isValid(given) else {
                throw AgentError("\(given): not an identity: 1 to 64 letters, digits, -, _ or .", code: 64)
            }
            return given
        }
        guard let data else { return fresh() }
        try Files.makeDirectory(data)
        let path = "\(data)/id"
        if let kept = Files.read(path, limit: 128).map({ String(decoding: $0, as: UTF8.self) }) {
            let line = kept.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            guard isValid(line) else {
                throw AgentError("\(path): holds no identity: remove that file, or use --id", code: 64)
            }
            return line
        }
        let drawn = fresh()
        do throws(SpoolFailure) {
            try Files.write(Array("\(drawn)\n".utf8), to: path)
        } catch {
            throw AgentError("\(error.path): \(error.reason): the agent's identity cannot be kept")
        }
        return drawn
    }

    /// The machine's name.
    public static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func fresh() -> String {
        let host = hostName.split(separator: ".").first.map(String.init) ?? "agent"
        let plain = String(host.prefix(40).map { WireLimits.isIdentifier(String($0)) ? $0 : "-" })
        return "\(plain.isEmpty ? "agent" : plain)-\(Names.hexadecimal(UInt32.random(in: 0 ... .max)))"
    }
}

enum Names {
    static func hexadecimal(_ number: some FixedWidthInteger & UnsignedInteger) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: number.bitWidth / 4 - digits.utf8.count) + digits
    }
}
