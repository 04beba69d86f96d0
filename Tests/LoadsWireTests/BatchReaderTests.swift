import LoadsCore
import Testing

@testable import LoadsWire

@Suite struct BatchReaderTests {
    private static let report = RunnerReport.batch(Samples.batch).encoded()[0]

    @Test func itMergesWhatTheBatchMerges() throws {
        let reader = try #require(try BatchReader(report: Self.report))
        var merged = Samples.batch.statistics
        reader.merge(into: &merged)
        var expected = Samples.batch.statistics
        expected.merge(Samples.batch.statistics)
        #expect(merged == expected)
        #expect(reader.batch == Samples.batch)
    }

    @Test func itSaysWhatIsInIt() throws {
        let reader = try #require(try BatchReader(report: Self.report))
        let statistics = Samples.batch.statistics
        #expect(reader.from == Samples.batch.from && reader.to == Samples.batch.to)
        #expect(reader.hitCount == statistics.hitCount && reader.failedHitCount == statistics.failedHitCount)
        #expect(reader.iterations == statistics.iterations && reader.users == statistics.users)
        #expect(reader.rawHitCount == 2 && reader.hits == Samples.batch.hits)
    }

    @Test func otherReportsMakeNone() throws {
        for report in Samples.reports where !report.name.hasPrefix("batch") {
            #expect(try BatchReader(report: report.report.encoded()[0]) == nil)
        }
    }

    @Test(arguments: [Samples.batch, Batch()]) func rawHitsAreCopiedIntoTheMessageOfTheStream(_ batch: Batch) throws {
        let reader = try #require(try BatchReader(report: RunnerReport.batch(batch).encoded()[0]))
        let message = StreamMessage(
            run: NetworkSamples.run, boot: NetworkSamples.boot, sequence: 7, time: 1.5,
            content: .hits(agent: NetworkSamples.agent, batch.hits))
        let copied = reader.streamMessage(
            run: message.run, boot: message.boot, sequence: 7, time: 1.5, agent: NetworkSamples.agent)
        #expect(copied == message.encoded())
        var numbered = message
        numbered.result = StreamMessage.Result(epoch: NetworkSamples.boot, sequence: 9)
        #expect(
            reader.streamMessage(
                run: message.run, boot: message.boot, sequence: 7, time: 1.5, agent: NetworkSamples.agent,
                result: numbered.result) == numbered.encoded())
        #expect(try StreamMessage(decoding: numbered.encoded()) == numbered)
    }

    @Test func namesThatOccurTwiceAreAdded() throws {
        var name = NameStatistics()
        name.count = 2
        name.status = [200: 2]
        name.latency.record(5)
        let bytes = Packer.message("batch") { packer in
            packer.field("from_s", 0)
            packer.field("to_s", 1)
            var statistics = Statistics()
            statistics.users = 3
            // The first of two fields of a name counts.
            packer.field("names") {
                packer.field("a") { name.pack(into: packer) }
                packer.field("a") { name.pack(into: packer) }
            }
            statistics.packFields(into: packer)
        }
        let reader = try #require(try BatchReader(report: bytes))
        let merged = try #require(reader.batch.statistics.names["a"])
        #expect(merged.count == 4 && merged.status == [200: 4] && merged.latency.count == 2)
    }

    @Test func oneWrongNameMakesTheWholeBatchWrong() throws {
        var batch = Samples.batch
        batch.statistics.names["z"] = NameStatistics()
        batch.statistics.names["z"]!.count = -1
        let bytes = RunnerReport.batch(batch).encoded()[0]
        #expect(throws: WireError.self) { _ = try BatchReader(report: bytes) }
    }

    @Test func countsThatWouldOverflowTogetherAreRefused() throws {
        var batch = Batch()
        for name in ["a", "b"] {
            batch.statistics.names[name] = NameStatistics()
            batch.statistics.names[name]!.bytesReceived = WireLimits.count
        }
        let bytes = RunnerReport.batch(batch).encoded()[0]
        let error = #expect(throws: WireError.self) { _ = try BatchReader(report: bytes) }
        #expect(error?.code == .tooLarge)
    }

    @Test func stepsChecksAndMetricsAreMergedAsOtherPeersWroteThem() throws {
        // An older peer writes none of them.
        let plain = try #require(try BatchReader(report: RunnerReport.batch(Batch()).encoded()[0]))
        #expect(plain.batch.statistics == Statistics())
        // Kinds that two agents have under one name are kept apart.
        let reader = try #require(try BatchReader(report: Self.report))
        var merged = Statistics()
        merged.metrics["a trend"] = MetricStatistics(kind: .counter)
        reader.merge(into: &merged)
        #expect(merged.metrics["a trend (trend, ms)"] == Samples.batch.statistics.metrics["a trend"])
        #expect(merged.metrics["a trend"]?.count == 0)
    }

    @Test func groupedCountsThatWouldOverflowTogetherAreRefused() throws {
        for family in 0..<3 {
            var batch = Batch()
            for name in ["a", "b"] {
                switch family {
                case 0:
                    batch.statistics.steps[name] = StepStatistics()
                    batch.statistics.steps[name]!.count = WireLimits.count
                case 1: batch.statistics.checks[name] = CheckCounts(passed: WireLimits.count)
                default:
                    batch.statistics.metrics[name] = MetricStatistics(kind: .gauge)
                    batch.statistics.metrics[name]!.refused = WireLimits.count
                }
            }
            let bytes = RunnerReport.batch(batch).encoded()[0]
            let error = #expect(throws: WireError.self) { _ = try BatchReader(report: bytes) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test func aMetricOfAnUnknownKindIsRefused() throws {
        let bytes = Packer.message("batch") { packer in
            packer.field("from_s", 0)
            packer.field("to_s", 1)
            packer.field("metrics") { packer.field("m") { packer.field("kind", "set") } }
            Statistics().packFields(into: packer)
        }
        #expect(throws: WireError.self) { _ = try BatchReader(report: bytes) }
    }
}
