import LoadsCore

extension Summary {
    /// A line for each agent, where there is more than one or something of one is missing.
    func agentLines(_ style: Style) -> [String] {
        // What a crash has taken is told where the crash is told; hits that one agent alone has dropped, likewise.
        guard agents.count > 1 || agents.contains(where: { $0.missing != nil && $0.state != .crashed }) else {
            return []
        }
        let width = agents.map { $0.name.printable.count }.max() ?? 0
        return ["", style.bold("  agents")]
            + agents.flatMap { agent in
                var line =
                    "  " + agent.name.printable.paddedRight(to: width)
                    + "  \(Figures.count(agent.users, "user")), "
                    + "\(Figures.count(agent.iterations.ended, "iteration")), \(Figures.count(agent.hits, "hit"))"
                if agent.state != .finished { line += ", " + style.red(agent.state.rawValue) }
                var lines = [line]
                if let missing = agent.missing { lines.append("    " + style.yellow("missing: " + missing.sentence)) }
                if agent.droppedHits > 0 {
                    lines.append(
                        "    "
                            + style.yellow(
                                "dropped: \(Figures.count(agent.droppedHits, "single hit")), which the numbers count all "
                                    + "the same"))
                }
                return lines
            }
    }
}

extension AgentShare.Missing {
    /// The hole in words.
    var sentence: String {
        let start = Figures.time(nanoseconds: from * 1e9)
        let span = to.map { "from \(start) to \(Figures.time(nanoseconds: $0 * 1e9))" } ?? "everything from \(start) on"
        let count = hits.map { $0 > 0 ? ", \(Figures.count($0, "hit"))" : "" } ?? ""
        return "\(span)\(count): \(reason.printable)"
    }
}

extension AgentShare {
    func write(_ json: inout JSONWriter) {
        json.key("id")
        json.value(id)
        json.key("name")
        json.value(name)
        json.key("users")
        json.value(users)
        json.key("iterations")
        json.value(iterations.ended)
        json.key("hits")
        json.value(hits)
        json.key("state")
        json.value(state.rawValue)
        json.key("start_skew_s")
        json.value(startSkew, decimals: 6)
        json.key("clock_error_s")
        json.value(clockError, decimals: 6)
        json.key("dropped_hits")
        json.value(droppedHits)
        guard let missing else { return }
        json.object("missing") { json in
            json.key("from_s")
            json.value(missing.from, decimals: 6)
            json.key("to_s")
            json.value(missing.to, decimals: 6)
            json.key("hits")
            json.value(missing.hits)
            json.key("reason")
            json.value(missing.reason)
        }
    }
}
