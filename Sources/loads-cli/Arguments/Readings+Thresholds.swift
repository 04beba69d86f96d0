import LoadsCore

extension Readings {
    /// What a run must keep to; each complaint points at the character.
    mutating func thresholds(_ list: [Settings.Given]) -> [Threshold] {
        if list.count > Threshold.countLimit {
            complain("\(list[0].label): \(list.count) thresholds (at most \(Threshold.countLimit))")
        }
        return list.compactMap { given in
            do throws(ThresholdSyntaxError) {
                return try Threshold(given.text)
            } catch {
                complain("\(given.label): \(error)")
                return nil
            }
        }
    }
}
