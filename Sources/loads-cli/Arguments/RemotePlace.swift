import LoadsWire

/// Where a run that is not on this machine takes place, judged.
struct RemotePlace: Sendable, Equatable {
    var master: String
    var keys: String?
    var placement: Placement
    /// Files and folders to be sent along.
    var include: [String]
    var detach: Bool
    var keepHits: Bool

    private static let needMaster = ["agents", "label", "on-lost", "include"]
    private static let needMasterFlags = ["weighted", "detach", "keep-hits"]

    /// Nil without `--master`.
    init?(_ settings: Settings, _ read: inout Readings) {
        guard let master = settings.value("master") else {
            for name in Self.needMaster {
                guard let given = settings.value(name) else { continue }
                read.complain("\(given.label) \(given.text): is for a run on agents: name their master (--master)")
            }
            if let given = settings.value("keys"), settings.value("stream")?.text.hasPrefix("tcp:") != true {
                read.complain(
                    "\(given.label) \(given.text): is for a run on agents, or one that is published: name their master "
                        + "(--master) or an address (--stream tcp://127.0.0.1:7782)")
            }
            for given in Self.needMasterFlags.compactMap({ settings.given($0) }) {
                read.complain(
                    "\(given.label): is for a run on agents: name their master (--master tcp://127.0.0.1:7780)")
            }
            return nil
        }
        if let problem = MasterAddress.problem(with: master.text) {
            read.complain("\(master.label) \(master.text): \(problem)")
        }
        self.master = master.text
        keys = settings.value("keys")?.text
        placement = Placement(
            agents: read.count(settings.value("agents"), upTo: 100_000), weighted: settings.flag("weighted"))
        for label in settings.list("label") {
            let parts = label.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].isEmpty {
                let before = placement.labels.updateValue(String(parts[1]), forKey: String(parts[0]))
                if let before, before != parts[1] {
                    read.complain(
                        "\(label.label) \(label.text): an agent has one \(parts[0]), and \(parts[0])=\(before) is asked for, "
                            + "too")
                }
            } else {
                read.complain("\(label.label) \(label.text): not a label (try zone=eu)")
            }
        }
        if let policy = settings.value("on-lost") {
            if let known = Placement.OnLost(rawValue: policy.text) {
                placement.onLost = known
            } else {
                read.complain("\(policy.label) \(policy.text): not one of continue, redistribute, stop")
            }
        }
        include = settings.list("include").map(\.text)
        detach = settings.flag("detach")
        keepHits = settings.flag("keep-hits")
        if detach {
            for name in CheckedOutputs.names {
                guard let given = settings.value(name) else { continue }
                read.complain(
                    "\(given.label) \(given.text): nobody stays to write it with --detach (`loads attach` can)")
            }
        }
    }
}

/// What the address of a master must look like.
enum MasterAddress {
    static let standard = "tcp://127.0.0.1:7780"

    /// The options with which another command finds the same master.
    static func words(_ master: String, keys: String?) -> String {
        (master == standard ? "" : " --master \(CheckedRun.quoted(master))")
            + (keys.map { " --keys \(CheckedRun.quoted($0))" } ?? "")
    }

    /// What is wrong with it; nil when nothing is.
    static func problem(with text: String) -> String? {
        let advice = "(try \(standard))"
        guard text.hasPrefix("tcp://") else { return "not an address \(advice)" }
        let rest = text.dropFirst(6)
        guard let colon = rest.lastIndex(of: ":"), colon > rest.startIndex,
            let port = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(port)
        else { return "the port is missing, or none (1 to 65535) \(advice)" }
        return nil
    }
}
