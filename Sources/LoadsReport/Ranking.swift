internal import LoadsCore
internal import LoadsEventLoop

extension Dictionary where Key == String, Value == Occurrences {
    /// Most frequent first; equal ones by their key, so that two reports of a run are the same.
    var byFrequency: [(key: String, value: Occurrences)] {
        sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    }
}

extension Statistics {
    /// Names with the most hits first; equal ones by name.
    var namesByCount: [(key: String, value: NameStatistics)] {
        names.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    }
}

extension LoopLag {
    /// Those that held a loop for the longest first; equal ones by name.
    var holdersByTime: [(key: String, value: LoopHold)] {
        holders.sorted { ($1.value.longest, $0.key) < ($0.value.longest, $1.key) }
    }
}
