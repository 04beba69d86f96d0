import CTesting
import Testing

/// Finds the tests of this process in the records that the `@Test` and `@Suite` macros leave in the binary.
enum TestDiscovery {
    /// What an accessor is given as the wanted type when the request is ours: an address that no type has.
    nonisolated(unsafe) static let ownRequest = UnsafeRawPointer(
        UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

    /// All tests and suites, in no particular order.
    static func allTests() async -> [Test] {
        var tests: [Test] = []
        for generator in generators() { tests.append(await generator()) }
        return tests
    }

    private static func generators() -> [TestGenerator] {
        final class Found { var generators: [TestGenerator] = [] }
        let found = Found()
        loads_each_test(
            { accessor, context in
                let found = Unmanaged<Found>.fromOpaque(context!).takeUnretainedValue()
                withUnsafeTemporaryAllocation(of: TestGenerator.self, capacity: 1) { buffer in
                    let place = buffer.baseAddress!
                    if loads_call_accessor(accessor, place, TestDiscovery.ownRequest) {
                        found.generators.append(place.move())
                    }
                }
            }, Unmanaged.passUnretained(found).toOpaque())
        return found.generators
    }
}
