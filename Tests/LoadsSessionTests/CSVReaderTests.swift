import Testing

@testable import LoadsSession

@Suite struct CSVReaderTests {
    private func read(_ text: String, separator: Character = ",") -> (
        records: [[String]], lines: [Int], problems: [DataProblem]
    ) {
        var reader = CSVReader(Array(text.utf8), separator: separator.asciiValue!)
        var records: [[String]] = []
        var lines: [Int] = []
        var problems: [DataProblem] = []
        while let next = reader.next() {
            switch next {
            case .success(let record):
                records.append(record.fields)
                lines.append(record.line)
            case .failure(let problem): problems.append(problem)
            }
        }
        return (records, lines, problems)
    }

    @Test(arguments: [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]), ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
        ("\u{feff}a\n\n\nb\n", [["a"], ["b"]]), (",\n", [["", ""]]), ("a,\n", [["a", ""]]),
        ("\"a,b\",\"c\"\"d\"\n", [["a,b", "c\"d"]]), ("\"a\nb\",c\nd,e", [["a\nb", "c"], ["d", "e"]]),
        ("\"\"\n", [[""]]), ("é,ü", [["é", "ü"]]), ("", []), ("\n\r\n", []), ("a\rb\n", [["a\rb"]]),
    ])
    func recordsAreFieldsByTheRules(_ text: String, _ expected: [[String]]) {
        let (records, _, problems) = read(text)
        #expect(records == expected && problems.isEmpty)
    }

    @Test func anotherSeparatorLeavesCommasAlone() {
        #expect(read("a;b,c", separator: ";").records == [["a", "b,c"]])
    }

    @Test func linesAreCountedThroughQuotedOnesAndBlankOnes() {
        #expect(read("a\n\"x\ny\"\n\nb\n").lines == [1, 2, 5])
    }

    @Test(arguments: [
        ("a\nb\"c\nd\n", 2, [["a"], ["d"]]), ("a\n\"b\"c\nd\n", 2, [["a"], ["d"]]), ("a\n\"b\n\n", 2, [["a"]]),
    ])
    func aBrokenRecordIsToldWithItsLineAndPassedOver(_ text: String, _ line: Int, _ rest: [[String]]) {
        let (records, _, problems) = read(text)
        #expect(problems.map(\.line) == [line] && records == rest)
    }

    @Test func whatIsNotUTF8IsToldWithItsLine() {
        var reader = CSVReader([UInt8](Array("a\n".utf8)) + [0xff, 0x0a, 0x62])
        _ = reader.next()
        #expect(reader.next() == .failure(DataProblem(line: 2, text: "not UTF-8")))
        #expect(reader.next() == .success(CSVReader.Record(fields: ["b"], line: 3)))
    }
}
