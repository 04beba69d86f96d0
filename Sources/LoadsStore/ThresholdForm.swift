internal import LoadsCore
internal import LoadsMaster

/// A threshold's result as it is stored in a run's record.
struct ThresholdForm: Codable {
    var expression: String
    var state: String
    var doubt: String?
    var actual: Double?
    var samples: Int
    var windowEnd: Int?
    var windows: Int
    var brokenWindows: Int
    var breachedAt: Int?
    var aborted: Bool
    var lateSamples: Int

    init(_ result: ThresholdResult) {
        expression = result.expression
        state = result.state.rawValue
        doubt = result.doubt?.rawValue
        actual = result.actual
        samples = result.samples
        windowEnd = result.windowEnd
        windows = result.windows
        brokenWindows = result.brokenWindows
        breachedAt = result.breachedAt
        aborted = result.aborted
        lateSamples = result.lateSamples
    }

    /// The result again.
    ///
    /// - Throws: ``StorageError`` when this release does not understand it.
    func result() throws -> ThresholdResult {
        guard let threshold = try? Threshold(expression), let state = ThresholdResult.State(rawValue: state) else {
            throw StorageError(code: .foreign, message: "a stored threshold cannot be read: \(expression)")
        }
        return ThresholdResult(
            threshold: threshold, state: state, doubt: doubt.flatMap(ThresholdResult.Doubt.init), actual: actual,
            samples: samples, windowEnd: windowEnd, windows: windows, brokenWindows: brokenWindows,
            breachedAt: breachedAt, aborted: aborted, lateSamples: lateSamples)
    }
}
