import LoadsCore

extension Verdict {
    /// The verdict, and what speaks against the numbers.
    func lines(_ style: Style) -> [String] {
        let word =
            switch kind {
            case .valid: style.green("valid")
            case .generatorLimited: style.yellow("generator-limited: the target may be better than these numbers")
            case .incomplete: style.red("incomplete: something is not in these numbers")
            }
        return ["  " + "verdict".paddedRight(to: 12) + word]
            + reasons.map { "  " + "".paddedRight(to: 12) + style.yellow("- " + $0.text.printable) }
    }

    func write(_ json: inout JSONWriter) {
        json.key("kind")
        json.value(kind.rawValue)
        json.array("reasons") { json in
            for reason in reasons {
                json.object { json in
                    json.key("code")
                    json.value(reason.code.rawValue)
                    json.key("kind")
                    json.value(reason.kind.rawValue)
                    json.key("text")
                    json.value(reason.text)
                    json.key("actual")
                    json.value(reason.actual.map { $0.value * $0.unit.jsonScale }, decimals: 6)
                    json.key("limit")
                    json.value(reason.limit.map { $0.value * $0.unit.jsonScale }, decimals: 6)
                    json.key("unit")
                    json.value(reason.limit?.unit.jsonName)
                }
            }
        }
    }
}
