import Foundation
import LoadsCore
import Synchronization
import Testing
import XCTest

/// The set-ups of this process and their values: those that came with the order of a load run, or those that a plain
/// `swift test` has made itself.
final class SetUps: Sendable {
    static let shared = SetUps()

    private struct State {
        /// By the set-up's name, as JSON: of a load run.
        var handedOver: [String: Data]?
        /// Decoded once.
        var values: [ObjectIdentifier: any Sendable] = [:]
        /// In a plain `swift test`.
        var own: [ObjectIdentifier: Own] = [:]
        var observer: TearDownObserver?
    }

    /// A set-up that this process has done itself.
    private struct Own {
        var value: Task<any Sendable, any Error>
        /// How many want it.
        var users: Int
        var undo: @Sendable () async throws -> Void
    }

    private let state = Mutex(State())

    static func name(of setUp: any RunSetUp.Type) -> String { String(reflecting: setUp) }

    // MARK: A load run

    /// Takes what the set-up of the run has handed over.
    func take(_ value: [UInt8]?) throws {
        let values = try value.map { try JSONDecoder().decode([String: Data].self, from: Data($0)) }
        state.withLock { $0.handedOver = values ?? [:] }
    }

    /// Does the set-ups, and undoes those that are done if one fails.
    ///
    /// - Returns: What ``take(_:)`` takes.
    static func perform(_ setUps: [any RunSetUp.Type]) async throws -> [UInt8] {
        var values: [String: Data] = [:]
        var undo: [@Sendable () async -> Void] = []
        do {
            for setUp in setUps { values[name(of: setUp)] = try await perform(setUp, &undo) }
            try Task.checkCancellation()
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return [UInt8](try encoder.encode(values))
        } catch {
            // Also when this one was cancelled.
            let (steps, server) = (undo.reversed().map { $0 }, RunServer.current)
            await Task.detached {
                await RunServer.$current.withValue(server) { for step in steps { await step() } }
            }.value
            throw error
        }
    }

    private static func perform<SetUp: RunSetUp>(
        _ setUp: SetUp.Type, _ undo: inout [@Sendable () async -> Void]
    ) async throws -> Data {
        do {
            let value = try await SetUp.setUp()
            undo.append { try? await SetUp.tearDown(value) }
            return try JSONEncoder().encode(value)
        } catch {
            throw SetUpFailure(description: "the set-up \(name(of: setUp)) failed: \(error)")
        }
    }

    /// Undoes the set-ups of a run, the last one first; all of them, even if one fails.
    func undo(_ setUps: [any RunSetUp.Type]) async throws {
        var failures: [String] = []
        for setUp in setUps.reversed() where has(setUp) {
            do { try await undo(setUp) } catch {
                failures.append("the tear-down of \(Self.name(of: setUp)) failed: \(error)")
            }
        }
        guard failures.isEmpty else { throw SetUpFailure(description: failures.joined(separator: "; ")) }
    }

    private func has(_ setUp: any RunSetUp.Type) -> Bool {
        state.withLock { $0.handedOver?[Self.name(of: setUp)] != nil }
    }

    private func undo<SetUp: RunSetUp>(_ setUp: SetUp.Type) async throws {
        try await SetUp.tearDown(try await value(of: setUp))
    }

    // MARK: Values

    func value<SetUp: RunSetUp>(of setUp: SetUp.Type) async throws -> SetUp.Value {
        let key = ObjectIdentifier(setUp)
        let (known, isLoad, data) = state.withLock { state in
            (state.values[key], state.handedOver != nil, state.handedOver?[Self.name(of: setUp)])
        }
        if let value = known as? SetUp.Value { return value }
        if isLoad {
            guard let data else {
                throw MissingSetUp(
                    description: "no test of this run asks for the set-up \(Self.name(of: setUp)): "
                        + "give the suite .setUp(\(setUp).self), or the class RunSetUpUser")
            }
            let value = try JSONDecoder().decode(SetUp.Value.self, from: data)
            state.withLock { $0.values[key] = value }
            return value
        }
        return try await ownValue(of: setUp)
    }

    // MARK: A plain `swift test`

    private func ownValue<SetUp: RunSetUp>(of setUp: SetUp.Type) async throws -> SetUp.Value {
        let known = state.withLock { $0.own[ObjectIdentifier(setUp)]?.value }
        if let known { return try await known.value as! SetUp.Value }
        guard Test.current == nil else {
            throw MissingSetUp(
                description: "the test does not ask for the set-up \(Self.name(of: setUp)): "
                    + "give it or its suite .setUp(\(setUp).self)")
        }
        // XCTest does not say which classes will run: it stays until all are over.
        let own = join(setUp)
        state.withLock { state in
            guard state.observer == nil else { return }
            let observer = TearDownObserver()
            state.observer = observer
            XCTestObservationCenter.shared.addTestObserver(observer)
        }
        return try await own.value as! SetUp.Value
    }

    private func join<SetUp: RunSetUp>(_ setUp: SetUp.Type) -> Task<any Sendable, any Error> {
        state.withLock { state in
            let key = ObjectIdentifier(setUp)
            if let own = state.own[key] {
                state.own[key]!.users = own.users + 1
                return own.value
            }
            // Detached: it belongs to no test, and no test's cancellation ends it.
            let value = Task<any Sendable, any Error>.detached { try await SetUp.setUp() }
            state.own[key] = Own(value: value, users: 1) {
                if let value = try? await value.value as? SetUp.Value { try await SetUp.tearDown(value) }
            }
            return value
        }
    }

    /// Sees to it that it is done, for one more user.
    func begin(_ setUp: any RunSetUp.Type) async throws {
        do {
            _ = try await join(setUp).value
        } catch {
            // Whoever comes later tries again.
            state.withLock { $0.own[ObjectIdentifier(setUp)] = nil }
            throw SetUpFailure(description: "the set-up \(Self.name(of: setUp)) failed: \(error)")
        }
    }

    /// Undoes it, if this was its last user.
    func end(_ setUp: any RunSetUp.Type) async throws {
        let last = state.withLock { state -> Own? in
            guard let own = state.own[ObjectIdentifier(setUp)] else { return nil }
            if own.users > 1 {
                state.own[ObjectIdentifier(setUp)]!.users -= 1
                return nil
            }
            state.own[ObjectIdentifier(setUp)] = nil
            return own
        }
        guard let last else { return }
        do {
            try await last.undo()
        } catch {
            throw SetUpFailure(description: "the tear-down of \(Self.name(of: setUp)) failed: \(error)")
        }
    }

    /// Undoes everything that this process has set up. Returns what failed.
    func endAll() async -> [String] {
        let all = state.withLock { state in
            defer { state.own = [:] }
            return Array(state.own.values)
        }
        var failures: [String] = []
        for own in all { do { try await own.undo() } catch { failures.append("\(error)") } }
        return failures
    }
}

/// Undoes set-ups of XCTest tests in a plain `swift test`, once all are over.
final class TearDownObserver: NSObject, XCTestObservation, Sendable {
    func testBundleDidFinish(_ testBundle: Bundle) {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            for failure in await SetUps.shared.endAll() {
                FileHandle.standardError.write(Data("loads: a tear-down failed: \(failure)\n".utf8))
            }
            done.signal()
        }
        done.wait()
    }
}

/// Why a set-up or tear-down did not do.
struct SetUpFailure: Error, CustomStringConvertible {
    let description: String
}
