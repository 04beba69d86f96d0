/// What is counted under names on one loop between two batches. The names keep their places, what was counted is handed over.
struct NamedSlots<Value: NamedValue> {
    private let registry: NameRegistry
    private let family: NameRegistry.Family
    /// Names seen on this loop, and their place in `slots`.
    private var places: [String: Int] = [:]
    private var names: [String] = []
    private var slots: [Value] = []
    /// Places with something since the last batch.
    private var touched: [Int] = []

    /// Overflowing names that are remembered, so as not to ask the registry again.
    private static var rememberedOverflow: Int { 10_000 }

    init(_ family: NameRegistry.Family, _ registry: NameRegistry) {
        self.family = family
        self.registry = registry
    }

    /// The place of a name; when there are too many, that of the one they are counted under.
    ///
    /// - Parameter make: An empty value, for a name that is new.
    mutating func place(
        of name: String, other: @autoclosure () -> String = Statistics.otherName, _ make: () -> Value
    ) -> Int {
        if let place = places[name] { return place }
        let kept = registry.admits(name, family) ? name : other()
        let place: Int
        if let known = places[kept] {
            place = known
        } else {
            place = slots.count
            slots.append(make())
            names.append(kept)
            places[kept] = place
        }
        if kept != name, places.count < slots.count + Self.rememberedOverflow { places[name] = place }
        return place
    }

    @inline(__always) mutating func update(_ place: Int, _ change: (inout Value) -> Void) {
        if slots[place].isEmpty { touched.append(place) }
        change(&slots[place])
    }

    subscript(place: Int) -> Value { slots[place] }

    /// Takes what was counted since the last call.
    mutating func take(into values: inout [String: Value]) {
        for place in touched {
            var value = slots[place].emptied
            swap(&value, &slots[place])
            values[names[place]] = value
        }
        touched.removeAll(keepingCapacity: true)
    }
}

/// Something that is counted under a name.
protocol NamedValue {
    /// Whether nothing was counted.
    var isEmpty: Bool { get }
    /// The same with nothing counted.
    var emptied: Self { get }
}

extension NameStatistics: NamedValue {
    var isEmpty: Bool { count == 0 && cancelled == 0 }
    var emptied: NameStatistics { NameStatistics() }
}

extension StepStatistics: NamedValue {
    var isEmpty: Bool { count == 0 }
    var emptied: StepStatistics { StepStatistics() }
}

extension ScenarioStatistics: NamedValue {
    var isEmpty: Bool { iterations == IterationCounts() && arrivals == ArrivalCounts() }
    var emptied: ScenarioStatistics { ScenarioStatistics() }
}

extension CheckCounts: NamedValue {
    var isEmpty: Bool { count == 0 }
    var emptied: CheckCounts { CheckCounts() }
}

extension MetricStatistics: NamedValue {
    var isEmpty: Bool { count == 0 && refused == 0 }
    var emptied: MetricStatistics { MetricStatistics(kind: kind, unit: unit) }
}
