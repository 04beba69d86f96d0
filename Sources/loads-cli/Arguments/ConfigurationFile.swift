import Foundation
import LoadsPackage
import Yams

/// A plan in a file: every option under the name it has on the command line.
struct ConfigurationFile {
    /// What it says, as far as it can be understood.
    let settings: Settings
    /// What cannot be understood, each with its line.
    let problems: [String]

    /// Reads a file.
    ///
    /// - Throws: ``UsageError`` when it is not YAML at all.
    init(path: String) throws(UsageError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError(["--config \(path): cannot be read (is it there? may you read it?)"])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw UsageError(["--config \(path): not UTF-8 text"])
        }
        try self.init(text: text, path: path)
    }

    init(text: String, path: String) throws(UsageError) {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw UsageError(Self.complaints(error, text, path))
        }
        var reader = Reader(path: path)
        switch node {
        case nil: break
        case .mapping(let mapping): for (key, value) in mapping { reader.read(key, value) }
        case .scalar(let scalar) where scalar.string.isEmpty: break
        default: reader.problems.append("\(path):1: not a list of options (try `users: 10`)")
        }
        settings = reader.settings
        problems = reader.problems
    }

    private static func complaints(_ error: any Error, _ text: String, _ path: String) -> [String] {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ["\(path):\(mark.line): not YAML: \(problem)"]
        case .duplicatedKeysInMapping(let names, let context):
            return names.map { name in
                let again = repetition(of: name, from: context.mark, in: text)
                return "\(path):\(again ?? context.mark.line): \(name) stands twice"
            }
        default:
            return ["\(path): not YAML: \(error)"]
        }
    }

    /// The line in which a key of a map stands again; the parser tells where the first of the keys that do stands first.
    private static func repetition(of name: String, from mark: Mark, in text: String) -> Int? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var isFirst = true
        for (index, line) in lines.enumerated().dropFirst(max(0, mark.line - 1)) {
            // The dash of a list's element stands before its first key.
            let key = line.drop { $0 == " " || $0 == "-" }
            guard line.count - key.count == mark.column - 1 else { continue }
            let written = key.prefix { $0 != ":" && $0 != " " }.trimming(while: { $0 == "\"" || $0 == "'" })
            guard written == name else { continue }
            if !isFirst { return index + 1 }
            isFirst = false
        }
        return nil
    }

    private struct Reader {
        let path: String
        var settings = Settings()
        var problems: [String] = []

        mutating func read(_ key: Node, _ value: Node) {
            let place = "\(path):\(key.mark?.line ?? 1)"
            guard let written = key.scalar?.string else {
                problems.append("\(place): not the name of an option")
                return
            }
            if written == "scenarios" { return readScenarios(value, place) }
            let name = Settings.name(written)
            guard let kind = Settings.options[name] else {
                let near = NearNames.of(written, in: Settings.options.keys.sorted())
                problems.append(
                    "\(place): \(written): no such option"
                        + (near.map { "; did you mean \($0)?" } ?? " (`loads help run` lists them)"))
                return
            }
            let label = "\(place): \(written)"
            if kind != .list, let other = settings.value(name) {
                problems.append("\(label): stands twice (\(other.label))")
                return
            }
            switch (kind, value) {
            case (.flag, .scalar(let scalar)):
                switch scalar.string.lowercased() {
                case "true", "yes", "on": settings.set(name, true, label: label)
                case "false", "no", "off": settings.set(name, false, label: label)
                default: problems.append("\(label) \(scalar.string): not a yes or no (try true or false)")
                }
            case (.value, .scalar(let scalar)), (.list, .scalar(let scalar)):
                add(name, scalar, label)
            case (.value, .sequence(let sequence)) where Settings.separators[name] != nil && !sequence.isEmpty:
                let parts = sequence.compactMap(\.scalar?.string)
                if parts.count == sequence.count {
                    settings.add(name, parts.joined(separator: Settings.separators[name]!), label: label)
                } else {
                    problems.append("\(label): one value expected in each line of the list")
                }
            case (.list, .sequence(let sequence)):
                for element in sequence {
                    let label = "\(path):\(element.mark?.line ?? 1): \(written)"
                    if case .scalar(let scalar) = element {
                        add(name, scalar, label)
                    } else {
                        problems.append("\(label): text expected")
                    }
                }
            case (.flag, _): problems.append("\(label): true or false expected")
            case (.value, _): problems.append("\(label): one value expected")
            case (.list, _): problems.append("\(label): text or a list of texts expected")
            }
        }

        /// A list of scenarios, each a map with its target.
        private mutating func readScenarios(_ value: Node, _ place: String) {
            guard case .sequence(let sequence) = value, !sequence.isEmpty else {
                problems.append("\(place): scenarios: a list expected (try `- target: Module.Suite/test`)")
                return
            }
            for element in sequence {
                let place = "\(path):\(element.mark?.line ?? 1)"
                guard case .mapping(let mapping) = element else {
                    problems.append(
                        "\(place): scenarios: a target with its options expected (try `- target: Module.Suite/test`)")
                    continue
                }
                var reader = Reader(path: path)
                for (key, value) in mapping {
                    let written = key.scalar?.string ?? ""
                    let name = Settings.name(written)
                    if ["weight", "start"].contains(name), case .scalar(let scalar) = value {
                        reader.add(name, scalar, "\(path):\(key.mark?.line ?? 1): \(written)")
                    } else if Settings.scenarioOptions.contains(name) {
                        reader.read(key, value)
                    } else {
                        let near = NearNames.of(written, in: Settings.scenarioOptions.sorted())
                        reader.problems.append(
                            "\(path):\(key.mark?.line ?? 1): \(written): no option of a scenario"
                                + (near.map { "; did you mean \($0)?" }
                                    ?? " (\(Settings.scenarioOptions.sorted().joined(separator: ", ")))"))
                    }
                }
                problems += reader.problems
                settings.scenarios.append(Settings.Scenario(settings: reader.settings, label: "\(place): scenarios"))
            }
        }

        private mutating func add(_ name: String, _ scalar: Node.Scalar, _ label: String) {
            if scalar.style == .plain, ["", "~", "null"].contains(scalar.string) {
                problems.append("\(label): a value is missing")
            } else {
                settings.add(name, scalar.string, label: label)
            }
        }
    }
}

/// Names that somebody may have meant.
enum NearNames {
    /// The nearest name, if it is near at all.
    static func of(_ name: String, in names: [String]) -> String? {
        // Of equally near ones the one that begins alike: who writes `usr` means users rather than csv.
        let best = names.map { other in
            let alike = zip(name, other).prefix { $0 == $1 }.count
            return (name: other, distance: EditDistance.between(Array(name.utf8), Array(other.utf8)), alike: alike)
        }.min { ($0.distance, -$0.alike) < ($1.distance, -$1.alike) }
        guard let best, best.distance <= max(2, name.count / 3) else { return nil }
        return best.name
    }
}

extension Substring {
    fileprivate func trimming(while isSurplus: (Character) -> Bool) -> Substring {
        var rest = drop(while: isSurplus)
        while let last = rest.last, isSurplus(last) { rest.removeLast() }
        return rest
    }
}
