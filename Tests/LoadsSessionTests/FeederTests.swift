import Foundation
import LoadsCore
import Testing

@testable import LoadsSession

@Suite struct FeederTests {
    private struct Login: Decodable, Equatable, Sendable {
        enum Role: String, Decodable { case admin, guest }
        var name: String
        var age: Int
        var vip: Bool?
        var role: Role
    }

    /// A file for the length of a test.
    private final class TemporaryFile: Sendable {
        let path: String
        init(_ text: String, _ ending: String = "csv") throws {
            path = NSTemporaryDirectory() + "feeder-\(UUID()).\(ending)"
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        deinit { unlink(path) }
    }

    private func problem<Row>(_ feeder: Feeder<Row>) -> DataError? {
        do {
            _ = try feeder.next()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Files

    @Test func rowsHaveTheirColumnsByName() throws {
        let file = try TemporaryFile("name,age\nalice,30\n\"bob, jr.\",31\n")
        let feeder = Feeder.csv(file.path)
        let (alice, bob) = (try feeder.next(), try feeder.next())
        #expect(try alice["name"] == "alice" && alice["age"] == "30" && alice.line == 2)
        #expect(try bob["name"] == "bob, jr." && bob.value("none") == nil && bob.names == ["name", "age"])
        let error = #expect(throws: DataError.self) { _ = try bob["nme"] }
        #expect(error?.message == "\(file.path):3: no column \"nme\"; there are \"name\", \"age\"")
        // Recycled.
        #expect(try feeder.next()["name"] == "alice")
    }

    @Test func rowsAreDecodedAsTheUsersType() throws {
        let file = try TemporaryFile("role;age;name;vip\nadmin;30;a;yes\nguest;31;b;\n")
        let feeder = Feeder.csv(file.path, of: Login.self, separator: ";")
        #expect(
            try feeder.rows() == [
                Login(name: "a", age: 30, vip: true, role: .admin), Login(name: "b", age: 31, vip: nil, role: .guest),
            ])
    }

    @Test func everyWrongRowIsToldWithFileAndLine() throws {
        let file = try TemporaryFile("name,age,role\na,1,admin\nb,x,admin\nc,2,boss\n\n\"d\n\",,guest\n")
        let error = try #require(problem(Feeder.csv(file.path, of: Login.self)))
        #expect(error.code == .content && error.message == "\(file.path): 3 rows are wrong")
        #expect(error.problems.count == 3)
        #expect(error.problems[0] == "\(file.path):3: age: \"x\" is not a whole number (Int)")
        #expect(error.problems[1].hasPrefix("\(file.path):4: role: "))
        #expect(error.problems[2] == "\(file.path):6: age: \"\" is not a whole number (Int)")
        let both = try TemporaryFile("name,age,role\na,x,admin\nb,1\nc,y,admin\n")
        #expect(
            problem(Feeder.csv(both.path, of: Login.self))?.problems == [
                "\(both.path):2: age: \"x\" is not a whole number (Int)",
                "\(both.path):3: 2 fields, but the header has 3",
                "\(both.path):4: age: \"y\" is not a whole number (Int)",
            ])
        let short = try TemporaryFile("a,b\n1\n1,2\n1,2,3\n")
        #expect(
            problem(Feeder.csv(short.path))?.problems == [
                "\(short.path):2: 1 field, but the header has 2", "\(short.path):4: 3 fields, but the header has 2",
            ])
        let missing = try TemporaryFile("name\na\n")
        #expect(
            problem(Feeder.csv(missing.path, of: Login.self))?.problems.first?.hasPrefix("\(missing.path):2: no key")
                == true)
    }

    @Test func moreProblemsThanCanBeReadAreCounted() throws {
        let file = try TemporaryFile("a,b\n" + String(repeating: "1\n", count: 30))
        let error = try #require(problem(Feeder.csv(file.path)))
        #expect(error.problems.count == 21 && error.problems.last == "… and 10 more")
    }

    @Test(arguments: [
        ("", "is empty"), ("a,b\n", "has no rows"), ("a,a\n1,2\n", ":1: two columns are named \"a\""),
    ])
    func aFileWithoutRowsIsToldApart(_ text: String, _ expected: String) throws {
        let file = try TemporaryFile(text)
        #expect("\(try #require(problem(Feeder.csv(file.path))))".contains(expected))
    }

    @Test func aFileThatIsNotThereSaysHowToBringIt() throws {
        let error = try #require(problem(Feeder.csv("no-such.csv")))
        #expect(error.code == .file)
        #expect(error.message.contains("no-such.csv: No such file") && error.message.contains("--include no-such.csv"))
    }

    @Test func jsonRowsAreAnArrayOrOneALine() throws {
        for text in [
            #"[{"name":"a","n":1,"x":null},{"name":"b\n]","n":2.5,"t":true}]"#,
            "{\"name\":\"a\",\"n\":1}\n{\"name\":\"b\\n]\",\"n\":2.5,\"t\":true}\n",
        ] {
            let file = try TemporaryFile(text, "json")
            let rows = try Feeder.json(file.path).rows()
            #expect(rows.count == 2)
            #expect(try rows[0]["name"] == "a" && rows[0]["n"] == "1" && rows[0].value("x") == nil)
            #expect(try rows[1]["name"] == "b\n]" && rows[1]["n"] == "2.5" && rows[1]["t"] == "true")
        }
    }

    @Test func jsonThatIsWrongIsToldWithItsLine() throws {
        let file = try TemporaryFile(
            "[\n  {\"name\": \"a\", \"age\": 1, \"role\": \"admin\"},\n  {\"name\": \"b\",\n   \"age\": \"x\", \"role\": \"admin\"},\n  3\n]",
            "json")
        let error = try #require(problem(Feeder.json(file.path, of: Login.self)))
        #expect(error.problems.map { $0.prefix(file.path.count + 3) } == ["\(file.path):3:", "\(file.path):5:"])
        let list = try TemporaryFile("[{\"a\": [1]}]", "json")
        #expect(problem(Feeder.json(list.path))?.problems.first?.contains(":1: a: a list or an object") == true)
        for (text, line) in [("[1,\n2", 1), ("[1\n2]", 2), ("[1]\n]", 2), ("[\n{\"a\": \"b\n\"}]", 2), ("[1,,2]", 1)] {
            let file = try TemporaryFile(text, "json")
            let found = try #require(problem(Feeder.json(file.path, of: Int.self)))
            #expect(found.problems.first?.hasPrefix("\(file.path):\(line): ") == true, "\(text): \(found)")
        }
    }

    // MARK: Order

    @Test func sequentialRowsAreDealtOutAmongAgentsAndUsers() async throws {
        // Two agents with a copy each of the same feeder, two users on each.
        let rows = Array(0..<10)
        var seen: [Int] = []
        for agent in 0..<2 {
            let feeder = Feeder(rows, .sequential(atEnd: .stop))
            let users = (0..<2).map { number in
                TestUser(number: agent * 2 + number) { $0.part = Plan.Part(index: agent, count: 2) }
            }
            for draw in 0..<5 { seen.append(try await users[draw % 2].iterate { try feeder.next() }) }
            await #expect(throws: DataError.self) { try await users[0].iterate { try feeder.next() } }
        }
        #expect(seen.sorted() == rows)
    }

    @Test func sequentialRowsRecycleUnlessSaidOtherwise() throws {
        let feeder = Feeder([1, 2, 3])
        #expect(try (0..<7).map { _ in try feeder.next() } == [1, 2, 3, 1, 2, 3, 1])
    }

    @Test(arguments: [(FeederOrder.End.stop, DataError.Code.stopped), (.fail, .exhausted)])
    func theEndIsToldByItsError(_ end: FeederOrder.End, _ code: DataError.Code) throws {
        let feeder = Feeder([1], .sequential(atEnd: end))
        _ = try feeder.next()
        #expect(problem(feeder)?.code == code)
    }

    @Test func uniqueRowsBelongToTheUser() async throws {
        let feeder = Feeder(["a", "b", "c", "d"], .unique())
        let (third, fourth, fifth) = (TestUser(number: 2), TestUser(number: 3), TestUser(number: 4))
        for iteration in 0..<3 {
            #expect(try await third.iterate(iteration) { try feeder.next() + (try feeder.next()) } == "cc")
            #expect(try await fourth.iterate(iteration) { try feeder.next() } == "d")
        }
        let error = await #expect(throws: DataError.self) { try await fifth.iterate { try feeder.next() } }
        #expect(error?.code == .exhausted)
        let recycling = Feeder(["a", "b"], .unique(atEnd: .recycle))
        #expect(try await fifth.iterate { try recycling.next() } == "a")
    }

    @Test func randomRowsAreTheSameForTheSameSeed() async throws {
        let feeder = Feeder(Array(0..<1000), .random)
        func draws(user: Int, seed: Int) async throws -> [Int] {
            let user = TestUser(number: user) { $0.seed = seed }
            var all: [Int] = []
            for iteration in 0..<3 {
                all += try await user.iterate(iteration) { try (0..<5).map { _ in try feeder.next() } }
            }
            return all
        }
        let first = try await draws(user: 1, seed: 7)
        #expect(Set(first).count > 10)
        #expect(try await draws(user: 1, seed: 7) == first)
        #expect(try await draws(user: 2, seed: 7) != first)
        #expect(try await draws(user: 1, seed: 8) != first)
    }

    @Test func thousandsOfUsersTakeEachRowOnce() async throws {
        let feeder = Feeder(Array(0..<20_000), .sequential(atEnd: .fail))
        let seen = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<20_000 { group.addTask { try? feeder.next() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(seen.compactMap(\.self).sorted() == Array(0..<20_000))
    }

    // MARK: Iteration

    @Test func anIterationKnowsWhoItIsFor() async throws {
        #expect(!Iteration.isLoad && Iteration.user == 0 && Iteration.number == 0 && Iteration.seed == 0)
        let user = TestUser(number: 17) { $0.seed = 5 }
        let (known, numbers) = try await user.iterate(4) {
            var random = Iteration.random
            var second = Iteration.random
            return (
                Iteration.isLoad && Iteration.user == 17 && Iteration.number == 4 && Iteration.seed == 5,
                [random.next(), random.next(), second.next()]
            )
        }
        #expect(known && Set(numbers).count == 3)
        let again = try await user.iterate(4) {
            var random = Iteration.random
            return random.next()
        }
        #expect(again == numbers[0])
    }
}
