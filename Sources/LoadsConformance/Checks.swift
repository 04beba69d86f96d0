/// All checks, in the order of `Docs/WireProtocol.md`.
enum Checks {
    static let all: [Check] =
        connection + preparation + running + seconds + models + ending + results + hostile + departure + restart + keys
}
