import Glibc
import LoadsWire

/// Finds the program that a launch names.
public enum ProgramPath {
    /// The runners that an agent brings along: its own executable, started with `NAME-runner` as the first argument.
    public static let builtIn = ["url"]

    /// - Returns: The path of the executable, and its first arguments: the name it is started under, and for a built-in
    ///   runner the word that makes it one.
    static func resolve(_ launch: RunnerLaunch) throws(SpawnError) -> (executable: String, arguments: [String]) {
        switch launch.program {
        case .builtIn(let name):
            guard builtIn.contains(name) else {
                throw SpawnError(
                    description: "this agent has no runner \"\(name)\" (it has \(builtIn.joined(separator: ", ")))",
                    code: 69)
            }
            let path = ownExecutable
            return (path, [path, "\(name)-runner"])
        case .path(let name):
            // The child is in its directory before it looks for the program.
            if name.contains("/") { return (name, [name]) }
            guard let path = find(name, launch.environment["PATH"]) else {
                throw SpawnError(
                    description:
                        "\(name): no such program in PATH (a program of the directory it runs in is ./\(name))",
                    code: 69)
            }
            return (path, [name])
        }
    }

    private static func find(_ name: String, _ path: String?) -> String? {
        guard !name.isEmpty, let path = path ?? getenv("PATH").map({ String(cString: $0) }) else { return nil }
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (folder.isEmpty ? "." : folder) + "/" + name
            if access(candidate, X_OK) == 0, isFile(candidate) { return candidate }
        }
        return nil
    }

    private static func isFile(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    }

    /// The path of this process's own executable.
    public static var ownExecutable: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        guard count > 0 else { return "/proc/self/exe" }
        let text = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The link of a program that was replaced while it runs names what is no longer there.
        return access(text, X_OK) == 0 ? text : "/proc/self/exe"
    }
}
