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
            throw UsageError(["\(path): \(Self.complaint(error))"])
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

    private static func complaint(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line): not YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            return "line \(context.mark.line): \(duplicates.joined(separator: ", ")) stands twice"
        default:
            return "not YAML: \(error)"
        }
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
            let name = Settings.aliases[written] ?? written
            guard let kind = Settings.options[name] else {
                let near = NearNames.of(written, in: Settings.options.keys.sorted())
                problems.append(
                    "\(place): \(written): no such option"
                        + (near.map { "; did you mean \($0)?" } ?? " (`loads help run` lists them)"))
                return
            }
            let label = "\(place): \(written)"
            switch (kind, value) {
            case (.flag, .scalar(let scalar)):
                switch scalar.string.lowercased() {
                case "true", "yes", "on": settings.set(name, true)
                case "false", "no", "off": settings.set(name, false)
                default: problems.append("\(label) \(scalar.string): not a yes or no (try true or false)")
                }
            case (.value, .scalar(let scalar)), (.list, .scalar(let scalar)):
                add(name, scalar, label)
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
