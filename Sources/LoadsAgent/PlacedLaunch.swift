import LoadsWire

extension RunnerLaunch {
    /// The launch of a run whose shipped files lie in a folder: it runs there, and finds its program there.
    ///
    /// - Parameter folder: Nil when nothing was shipped.
    func placed(in folder: String?) -> RunnerLaunch {
        guard let folder else { return self }
        var launch = self
        launch.directory = directory.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" } ?? folder
        // What was shipped lies there, wherever it runs; a name without a slash is looked up in PATH.
        if case .path(let path) = program, path.contains("/"), !path.hasPrefix("/") {
            launch.program = .path("\(folder)/\(path)")
        }
        return launch
    }
}
