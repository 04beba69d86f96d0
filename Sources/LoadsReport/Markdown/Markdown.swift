/// Pieces of GitHub's Markdown.
enum Markdown {
    /// Somebody's text as code in a table: nothing in it is a link, a mention, HTML or the end of a cell.
    static func code(_ text: String) -> String {
        let line = text.printable.replacing("|", with: "\\|")
        guard !line.isEmpty else { return "` `" }
        // As many backticks around it as are nowhere inside of it.
        var (longest, run) = (0, 0)
        for character in line {
            run = character == "`" ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: longest + 1)
        let pad = line.hasPrefix("`") || line.hasSuffix("`") ? " " : ""
        return fence + pad + line + pad + fence
    }

    /// A row of a table.
    static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
}
