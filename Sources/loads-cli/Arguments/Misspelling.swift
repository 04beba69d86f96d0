import ArgumentParser

/// Commands that somebody may have meant.
enum Misspelling {
    /// The command that the first of some words is close to: further ones are its arguments. Alone it may be close to any.
    static func command(meantBy words: [String]) -> String? {
        guard let first = words.first, !first.contains(where: { "./:".contains($0) }) else { return nil }
        return command(meantBy: first)
    }

    /// The command that a word is close to; nil when it is close to none.
    ///
    /// At most two letters may be wrong, missing, too many or swapped, and fewer than half of the word.
    static func command(meantBy word: String) -> String? {
        let names = Loads.configuration.subcommands.filter { $0.configuration.shouldDisplay }
            .compactMap { $0.configuration.commandName }
        return names.map { ($0, distance(Array($0), Array(word.lowercased()))) }
            .filter { $0.1 <= 2 && $0.1 * 2 < $0.0.count }
            .min { $0.1 < $1.1 }?.0
    }

    /// The optimal string alignment distance: insertions, deletions, replacements, and swaps of neighbours.
    static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var rows = [[Int]](repeating: [Int](repeating: 0, count: other.count + 1), count: one.count + 1)
        for row in 0...one.count { rows[row][0] = row }
        for column in 0...other.count { rows[0][column] = column }
        for row in 0..<one.count {
            for column in 0..<other.count {
                var best = min(rows[row][column + 1], rows[row + 1][column]) + 1
                best = min(best, rows[row][column] + (one[row] == other[column] ? 0 : 1))
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    best = min(best, rows[row - 1][column - 1] + 1)
                }
                rows[row + 1][column + 1] = best
            }
        }
        return rows[one.count][other.count]
    }
}
