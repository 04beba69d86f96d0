import Foundation
import LoadsAgent
import LoadsCore
import LoadsEventLoop
import LoadsWire
import Testing

/// An agent and its master over time: lease, silence, restart, the end.
@Suite struct AgentLifeTests {
    @Test func anAgentIntroducesItself() async throws {
        let rig = try await Rig { $0.labels = ["zone": "b"] }
        let hello = await rig.master.sees { if case .hello(let hello) = $0 { hello } else { nil } }
        let beat = await rig.master.sees {
            if case .beat(let beat) = $0, beat.echo != nil, beat.usage.busyCores > 0 { beat } else { nil }
        }
        await rig.close()
        #expect(hello?.agent == "agent-1" && hello?.name == "one" && hello?.labels == ["zone": "b"])
        #expect(hello?.platform.system == "linux" && hello?.platform.library.hasPrefix("glibc 2.") == true)
        #expect((hello?.cores ?? 0) > 0 && (hello?.memoryBytes ?? 0) > 1 << 20)
        #expect(hello?.epoch.count == 16 && hello?.runs == [])
        #expect(hello?.builtIn == ["url"])
        #expect((beat?.usage.residentBytes ?? 0) > 1 << 20 && (beat?.usage.descriptors ?? 0) > 3)
        #expect((beat?.usage.cpuSeconds ?? 0) > 0)
        #expect(rig.master.seen.contains { if case .goodbye = $0 { true } else { false } })
    }

    @Test func anOrphanStopsItsRunnersAndDeliversWhenAMasterIsBack() async throws {
        let rig = try await Rig { $0.orphanTimeout = .seconds(1) }
        rig.master.tell(.run(Fixtures.order("slow", iterations: 1_000_000)))
        #expect(await rig.master.hasStarted("run-1"))
        // The master says nothing more; a lease of this master is five seconds.
        rig.master.behave {
            $0.welcomes = false
            $0.leases = false
            $0.acknowledges = false
        }
        #expect(await rig.log.waits("run run-1: stopped: its agent has had no master"))
        #expect(await rig.log.waits("run run-1: over"))
        rig.master.behave { $0 = .init() }
        let run = await rig.gathered("run-1")
        await rig.close()
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        #expect(run.total.statistics.iterations.ended > 0)
    }

    @Test func aMasterThatDoesNotKnowARunEndsIt() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("slow", iterations: 1_000_000)
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig()
        rig.master.tell(.run(order))
        #expect(await rig.master.hasStarted("run-1"))
        rig.master.tell(.error(WireFault(code: "unknown-run", message: "what run?", run: "run-1")))
        #expect(await Processes.isGone(await Processes.number(in: file)))
        rig.master.tell(.error(WireFault(code: "not-welcome", message: "again")))
        // The first hello had none either.
        let again = await rig.master.sees { [master = rig.master] _ in
            master.hellosWithoutRuns >= 2 ? true : nil
        }
        #expect(again == true)
        await rig.close()
    }

    @Test func aHelloNamesWhatIsHeld() async throws {
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        let rig = try await Rig(manners)
        rig.master.tell(.run(Fixtures.order("normal")))
        _ = await rig.master.end(of: "run-1")
        rig.master.behave { $0.boot = "00000000000000bb" }
        rig.master.tell(.error(WireFault(code: "not-welcome", message: "who are you?")))
        let held = await rig.master.sees { if case .hello(let hello) = $0 { hello.runs.first } else { nil } }
        let last = Gathered(rig.master.seen, run: "run-1").sequences.last
        #expect(held == .init(run: "run-1", sequence: last ?? 0, running: false))
        // All of it comes again.
        let again = await rig.master.sees { [master = rig.master] _ in
            master.ends(of: "run-1") >= 2 ? true : nil
        }
        #expect(again == true)
        await rig.close()
    }

    @Test func aStoppedAgentStopsItsRunnersAndDelivers() async throws {
        let rig = try await Rig { $0.farewell = .seconds(60) }
        rig.master.tell(.run(Fixtures.order("slow", iterations: 1_000_000)))
        #expect(await rig.master.hasStarted("run-1"))
        await rig.agent.stop(reason: "SIGTERM")
        let run = await rig.gathered("run-1")
        await rig.ended()
        guard case .finished(true, _)? = run.end else {
            Issue.record("\(String(describing: run.end))")
            return
        }
        let last = await rig.master.sees { if case .goodbye(let reason) = $0 { reason } else { nil } }
        #expect(last == "SIGTERM")
        await rig.close()
    }

    @Test func aStoppedAgentKillsWhatIgnoresIt() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("ignore-stop")
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig()
        rig.master.tell(.run(order))
        let process = await Processes.number(in: file)
        await rig.close()
        #expect(await Processes.isGone(process))
    }

    @Test func aCancelledAgentLeavesNoProcess() async throws {
        let file = Fixtures.processFile()
        var order = Fixtures.order("ignore-stop")
        order.launch.environment["FIXTURE_PROCESS_FILE"] = file
        let rig = try await Rig { $0.farewell = .seconds(600) }
        rig.master.tell(.run(order))
        let process = await Processes.number(in: file)
        rig.cancel()
        await rig.ended()
        #expect(await Processes.isGone(process))
        await rig.close()
    }

    @Test func whatAnAgentCouldNotDeliverTheNextOneDoes() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        var manners = PlayedMaster.Manners()
        manners.acknowledges = false
        let first = try await Rig(manners) { $0.data = data }
        first.master.tell(.run(Fixtures.order("normal")))
        _ = await first.master.end(of: "run-1")
        let hello = await first.master.sees { if case .hello(let hello) = $0 { hello } else { nil } }
        await first.close()

        // It ends as soon as the last acknowledgement has come, however late that is.
        let second = try await Rig {
            $0.data = data
            $0.farewell = .seconds(30)
        }
        let run = await second.gathered("run-1")
        let again = await second.master.sees { if case .hello(let hello) = $0 { hello } else { nil } }
        await second.close()
        #expect(again?.epoch == hello?.epoch && again?.runs.map(\.run) == ["run-1"])
        #expect(run.total.statistics.iterations.ok == 100 && run.started == 1)
        // All is delivered: the next one begins anew.
        let third = try await Rig { $0.data = data }
        let fresh = await third.master.sees { if case .hello(let hello) = $0 { hello } else { nil } }
        await third.close()
        #expect(fresh?.runs == [] && fresh?.epoch != hello?.epoch)
    }

    @Test func twoAgentsDoNotShareAFolder() async throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let first = try await Rig { $0.data = data }
        await #expect(throws: AgentError.self) { _ = try await Rig { $0.data = data } }
        await first.close()
        let second = try await Rig { $0.data = data }
        await second.close()
    }

    @Test func anIdentityIsKept() throws {
        let data = FileManager.default.temporaryDirectory.appending(path: "loads-data-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let drawn = try AgentIdentity.load(given: nil, data: data)
        #expect(AgentIdentity.isValid(drawn))
        #expect(try AgentIdentity.load(given: nil, data: data) == drawn)
        #expect(try AgentIdentity.load(given: "mine", data: data) == "mine")
        #expect(try AgentIdentity.load(given: nil, data: nil) != AgentIdentity.load(given: nil, data: nil))
        #expect(throws: AgentError.self) { try AgentIdentity.load(given: "not/mine", data: nil) }
    }
}

extension PlayedMaster {
    var hellosWithoutRuns: Int {
        seen.count { if case .hello(let hello) = $0 { hello.runs.isEmpty } else { false } }
    }

    func ends(of run: String) -> Int {
        seen.count {
            if case .result(let message) = $0, message.run == run, case .ended = message.content { true } else { false }
        }
    }
}
