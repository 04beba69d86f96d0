import LoadsCore

/// A transaction that has ended.
struct LineStep: Equatable {
    /// With its tags.
    var name: String
    /// Nanoseconds.
    var duration: Int64
    var failed = false

    init(_ value: LineValue) throws(LineFault) {
        name = try value.taggedName("a step")
        guard let time = value["ms"] else { throw LineFault("a step needs its ms") }
        duration = try time.nanoseconds("ms")
        if let failed = value["failed"] { self.failed = try failed.bool("failed") }
    }
}

/// Whether something held.
struct LineCheck: Equatable {
    /// With its tags.
    var name: String
    var passed: Bool

    init(_ value: LineValue) throws(LineFault) {
        name = try value.taggedName("a check")
        guard let passed = value["passed"] else { throw LineFault("a check needs passed: true or false") }
        self.passed = try passed.bool("passed")
    }
}

/// One value of a metric.
struct LineMetric: Equatable {
    /// With its tags.
    var name: String
    var kind: MetricKind
    var unit = ""
    var value: Double

    init(_ value: LineValue) throws(LineFault) {
        name = try value.taggedName("a metric")
        let word = try value["kind"]?.text("kind", upTo: 40) ?? ""
        guard let kind = MetricKind(rawValue: word) else {
            throw LineFault("a metric's kind is counter, gauge, rate or trend")
        }
        self.kind = kind
        if let unit = value["unit"] { self.unit = try unit.text("unit", upTo: LineLimits.unitBytes) }
        switch value["value"] {
        case .int(let number)?: self.value = Double(number)
        case .double(let number)?: self.value = number
        case .bool(let yes)?: self.value = yes ? 1 : 0
        case nil where kind == .counter: self.value = 1
        default: throw LineFault("a metric needs a value: a number, of a rate true or false")
        }
        if kind == .rate {
            guard self.value == 0 || self.value == 1 else { throw LineFault("the value of a rate is true or false") }
        }
    }
}

extension LineValue {
    fileprivate func bool(_ field: String) throws(LineFault) -> Bool {
        guard case .bool(let value) = self else { throw LineFault("\(field): neither true nor false") }
        return value
    }

    /// The fields `name` and `tags`.
    fileprivate func taggedName(_ what: String) throws(LineFault) -> String {
        guard let name = self["name"] else { throw LineFault("\(what) needs a name") }
        let text = try name.text("name", upTo: LineLimits.nameBytes)
        guard let tags = self["tags"] else { return text }
        guard case .map(let entries) = tags else { throw LineFault("tags: not a map") }
        var marks: [String: String] = [:]
        for entry in entries { marks[entry.key] = try entry.value.tag() }
        return TaggedName.text(text, marks).cut(to: LineLimits.nameBytes)
    }

    private func tag() throws(LineFault) -> String {
        switch self {
        case .string(let text): text.cut(to: LineLimits.nameBytes)
        case .int(let value): "\(value)"
        case .bool(let value): "\(value)"
        default: throw LineFault("tags: values are texts, whole numbers, true or false")
        }
    }
}
