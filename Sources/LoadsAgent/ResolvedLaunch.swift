import Glibc
import LoadsWire

extension RunnerLaunch {
    /// The launch with its program as an absolute path, and with its folder.
    ///
    /// - Parameters:
    ///   - builtIn: The runners that the agent brings along.
    ///   - folder: Where the shipped files lie; nil when there are none.
    func resolved(builtIn: [String: BuiltInRunner], folder: String?) throws(AgentError) -> RunnerLaunch {
        var launch = self
        if let folder {
            launch.directory = directory.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" } ?? folder
        }
        switch program {
        case .builtIn(let name):
            guard let runner = builtIn[name] else {
                throw AgentError(
                    "this agent has no runner named \"\(name)\": its version is another than that of loads; "
                        + "bring both to the same release")
            }
            launch.program = .path(runner.executable)
            launch.arguments = runner.arguments + arguments
        case .path(let path) where path.hasPrefix("/"): break
        case .path(let path) where path.contains("/"):
            launch.program = .path("\(folder ?? directory ?? ".")/\(path)")
        case .path(let name):
            let search = environment["PATH"] ?? getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
            let found = search.split(separator: ":").map { "\($0)/\(name)" }.first {
                access($0, X_OK) == 0 && !Files.isDirectory($0)
            }
            guard let found else {
                throw AgentError(
                    "\(name): no such program in the agent's PATH (\(search)): install it there, or ship it with --include")
            }
            launch.program = .path(found)
        }
        return launch
    }
}
