@main struct Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let url = arguments.count > 2 ? arguments[2] : "http://127.0.0.1:8080/"
        switch arguments.count > 1 ? arguments[1] : "" {
        case "fetch": try await fetch(url)
        case "load": await load(url)
        case "arrive": await arrive(url)
        case "conduct": try await conduct(url, runner: "/proc/self/exe")
        case "runner": try await serveAgent()
        default: print("usage: embedding fetch|load|arrive|conduct [URL]")
        }
    }
}
