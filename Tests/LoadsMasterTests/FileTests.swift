import LoadsCore
import LoadsEventLoop
import LoadsMaster
import LoadsTransport
import LoadsWire
import Testing

@Suite struct FileTests {
    @Test func aFileIsUploadedOnceCheckedAndServed() async throws {
        let scene = try await Scene()
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        let content = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let hash = SHA256.hexadecimal(of: content)
        var launch = RunnerLaunch(program: .path("./x"))
        launch.files = [.init(path: "x", executable: true, bytes: content.count, hash: hash)]
        let submission = submission("r", launch: launch)
        #expect(await client.ask(.submit(submission)) == .accepted(run: "r", missing: [hash]))
        // Another content under its name does not stay.
        func upload(_ bytes: [UInt8]) async -> ClientAnswer.Answer? {
            var last: ClientAnswer.Answer?
            var offset = 0
            while offset < bytes.count {
                let end = min(offset + FileChunk.limit, bytes.count)
                last = await client.ask(
                    .upload(FileChunk(hash: hash, offset: offset, bytes: Array(bytes[offset..<end]))))
                offset = end
            }
            return last
        }
        guard case .error = await upload([UInt8](repeating: 7, count: content.count)) else { throw Unexpected() }
        #expect(agent.order("r") == nil)
        #expect(await upload(content) == .credit(hash: hash, bytes: content.count, complete: true))
        #expect(await eventually { agent.order("r") != nil })
        agent.say(.fetch(hash: hash, offset: 0, bytes: content.count))
        func received() -> [UInt8] {
            agent.heard.reduce(into: []) { if case .chunk(let chunk) = $1 { $0 += chunk.bytes } }
        }
        #expect(await eventually { received().count >= content.count })
        #expect(received() == content)
        agent.say(.fetch(hash: String(hash.reversed()), offset: 0, bytes: 10))
        #expect(
            await eventually {
                agent.heard.contains { if case .error(let fault) = $0 { fault.code == "unknown-file" } else { false } }
            })
        // The same run again is the same run, and needs nothing.
        #expect(await client.ask(.submit(submission)) == .accepted(run: "r", missing: []))
        agent.end("r", .finished(interrupted: false, seconds: 1))
        _ = await scene.master.outcome(of: "r")
        await scene.end()
    }

    @Test func aStoppedRunWaitsForNoFileAndOneRequestIsAnsweredByAMebibyte() async throws {
        let scene = try await Scene { $0.fileLimit = 3 << 20 }
        let agent = await scene.agents("a")[0]
        let client = scene.client()
        func launch(_ content: [UInt8]) -> RunnerLaunch {
            var launch = RunnerLaunch(program: .path("./x"))
            launch.files = [
                .init(path: "x", executable: true, bytes: content.count, hash: SHA256.hexadecimal(of: content))
            ]
            return launch
        }
        let (first, second) = ([UInt8](repeating: 1, count: 2 << 20), [UInt8](repeating: 2, count: 2 << 20))
        guard case .accepted = await client.ask(.submit(submission("r1", launch: launch(first)))) else {
            throw Unexpected()
        }
        guard case .error(let fault) = await client.ask(.submit(submission("r2", launch: launch(second)))) else {
            throw Unexpected()
        }
        #expect(fault.code == "full")
        #expect(await client.ask(.stop(run: "r1", abort: false)) == .done)
        _ = await scene.master.outcome(of: "r1")
        let hash = SHA256.hexadecimal(of: second)
        #expect(
            await client.ask(.submit(submission("r3", launch: launch(second)))) == .accepted(run: "r3", missing: [hash])
        )
        for offset in stride(from: 0, to: second.count, by: FileChunk.limit) {
            _ = await client.ask(
                .upload(FileChunk(hash: hash, offset: offset, bytes: Array(second[offset..<offset + FileChunk.limit]))))
        }
        #expect(await eventually { agent.order("r3") != nil })
        func chunks() -> [FileChunk] {
            agent.heard.compactMap { if case .chunk(let chunk) = $0 { chunk } else { nil } }
        }
        agent.say(.fetch(hash: hash, offset: 0, bytes: second.count))
        agent.say(.fetch(hash: hash, offset: second.count - 1, bytes: 1))
        #expect(await eventually { chunks().last?.offset == second.count - 1 && chunks().count >= 5 })
        #expect(chunks().reduce(0) { $0 + $1.bytes.count } == (1 << 20) + 1)
        await scene.end()
    }
}
