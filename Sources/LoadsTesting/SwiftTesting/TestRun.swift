import Foundation
import LoadsCore
import Testing

/// Swift Testing's own run of the process's tests, edited so that the wanted ones park and all others are left out.
struct TestRun {
    let stage: Stage
    private let running: Task<Void, Never>

    /// Starts the run.
    ///
    /// - Parameter wanted: Tests that are not disabled, with their identifiers.
    static func start(_ wanted: [(identifier: String, test: Test)], of all: [Test]) -> TestRun {
        let stage = Stage(wanted)
        TestEdits.shared.set(edited(all, for: stage))
        let running = Task.detached {
            do {
                try await enter(stage)
            } catch {
                FileHandle.standardError.write(Data("loads: Swift Testing could not be started: \(error)\n".utf8))
            }
            stage.runEnded()
        }
        return TestRun(stage: stage, running: running)
    }

    /// Waits until all scopes have been left.
    func finished() async { await running.value }

    // MARK: Editing

    /// The tests as the load run wants them.
    ///
    /// - No conditions: they have been evaluated. What is not wanted is disabled.
    /// - No time limits: they would cover the whole run.
    /// - Nothing is serialized: all cases must park at the same time.
    private static func edited(_ tests: [Test], for stage: Stage) -> [Test] {
        let wanted = tests.filter { !$0.isSuite && stage.wants($0.id) }
        let suites = tests.filter(\.isSuite)
        // Suites without an attribute are unknown here; the outermost known one of each wanted test bears the scope.
        var bearers: Set<Test.ID> = []
        var needed: Set<Test.ID> = []
        for test in wanted {
            let around = suites.filter { $0.id.contains(test.id) }
            needed.formUnion(around.map(\.id))
            let outermost = around.min { $0.id.nameComponents.count < $1.id.nameComponents.count }
            bearers.insert((outermost ?? test).id)
        }
        return tests.map { test in
            var test = test
            guard needed.contains(test.id) || stage.wants(test.id) else {
                test.traits = [ConditionTrait.disabled()]
                return test
            }
            test.traits.removeAll {
                $0 is ConditionTrait || $0 is TimeLimitTrait || $0 is ParallelizationTrait || $0 is LoadTrait
            }
            if bearers.contains(test.id) { test.traits.insert(LoadScope(stage: stage), at: 0) }
            return test
        }
    }

    // MARK: Running

    private typealias EntryPoint =
        @convention(thin) @Sendable (
            UnsafeRawBufferPointer?, @escaping @Sendable (UnsafeRawBufferPointer) -> Void
        ) async throws -> Bool

    /// Swift Testing's stable entry point (its Documentation/ABI/JSON.md). It prints nothing by itself.
    private static func enter(_ stage: Stage) async throws {
        var arguments = __CommandLineArguments_v0()
        arguments.verbosity = .min
        arguments.parallel = true
        arguments.experimentalMaximumParallelizationWidth = .max
        arguments.eventStreamSchemaVersion = "6.3"
        let json = try JSONEncoder().encode(arguments)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: json.count, alignment: 1)
        defer { bytes.deallocate() }
        _ = json.copyBytes(to: bytes)
        let entry = unsafeBitCast(abiEntryPoint(), to: EntryPoint.self)
        _ = try await entry(UnsafeRawBufferPointer(bytes)) { record in observe(record, stage) }
    }

    private struct Record: Decodable {
        struct Payload: Decodable {
            var kind: String
            var testID: String?
        }
        var kind: String
        var payload: Payload
    }

    private static func observe(_ record: UnsafeRawBufferPointer, _ stage: Stage) {
        guard let event = try? JSONDecoder().decode(Record.self, from: Data(record)), event.kind == "event",
            event.payload.kind == "testEnded" || event.payload.kind == "testSkipped", let test = event.payload.testID
        else { return }
        stage.ended(test)
    }
}

@_silgen_name("swt_abiv0_getEntryPoint") private func abiEntryPoint() -> UnsafeRawPointer

extension Test.ID {
    /// Whether this is a suite around another test.
    func contains(_ other: Test.ID) -> Bool {
        moduleName == other.moduleName && nameComponents.count < other.nameComponents.count
            && other.nameComponents.starts(with: nameComponents)
    }
}
