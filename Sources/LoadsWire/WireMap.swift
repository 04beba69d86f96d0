import LoadsEventLoop

/// A map being read: each getter says which field is missing or wrong.
struct WireMap {
    private let fields: [String: WireValue]
    private let path: String

    init(_ value: WireValue, _ path: String) throws(WireError) {
        guard case .map(let fields) = value else { throw WireError("\(path): not a map") }
        self.fields = fields
        self.path = path
    }

    func has(_ key: String) -> Bool { fields[key].map { $0 != .null } ?? false }

    private func wrong(_ key: String, _ what: String) -> WireError { WireError("\(path).\(key): \(what)") }

    func value(_ key: String) throws(WireError) -> WireValue {
        guard let value = fields[key] else { throw wrong(key, "missing") }
        return value
    }

    func string(_ key: String) throws(WireError) -> String {
        guard case .string(let text) = try value(key) else { throw wrong(key, "not a string") }
        return text
    }

    func optionalString(_ key: String) throws(WireError) -> String? { has(key) ? try string(key) : nil }

    func bool(_ key: String) throws(WireError) -> Bool {
        guard case .bool(let flag) = try value(key) else { throw wrong(key, "not true or false") }
        return flag
    }

    /// A whole number from 0 to 2^53: what any language can hold, and what sums of a run cannot overflow with.
    func count(_ key: String) throws(WireError) -> Int {
        guard case .int(let number) = try value(key), number >= 0, number <= 1 << 53 else {
            throw wrong(key, "not a whole number from 0 to 2^53")
        }
        return Int(number)
    }

    func count(_ key: String, or standard: Int) throws(WireError) -> Int { has(key) ? try count(key) : standard }

    func int(_ key: String) throws(WireError) -> Int64 {
        guard case .int(let number) = try value(key) else { throw wrong(key, "not an integer") }
        return number
    }

    /// A finite number.
    func double(_ key: String) throws(WireError) -> Double {
        switch try value(key) {
        case .double(let number) where number.isFinite: return number
        case .int(let number): return Double(number)
        default: throw wrong(key, "not a finite number")
        }
    }

    /// Nanoseconds, from 0 up.
    func duration(_ key: String) throws(WireError) -> Duration {
        let nanoseconds = try int(key)
        guard nanoseconds >= 0 else { throw wrong(key, "negative") }
        return .nanoseconds(nanoseconds)
    }

    func array(_ key: String) throws(WireError) -> [WireValue] {
        guard case .array(let values) = try value(key) else { throw wrong(key, "not an array") }
        return values
    }

    func counts(_ key: String) throws(WireError) -> [Int] {
        var numbers: [Int] = []
        for value in try array(key) {
            guard case .int(let number) = value, number >= 0, number <= 1 << 53 else {
                throw wrong(key, "an element is not a whole number from 0 to 2^53")
            }
            numbers.append(Int(number))
        }
        return numbers
    }

    func strings(_ key: String) throws(WireError) -> [String] {
        var texts: [String] = []
        for value in try array(key) {
            guard case .string(let text) = value else { throw wrong(key, "an element is not a string") }
            texts.append(text)
        }
        return texts
    }

    func map(_ key: String) throws(WireError) -> WireMap { try WireMap(try value(key), "\(path).\(key)") }

    /// The entries of a map whose keys are data.
    func entries(_ key: String) throws(WireError) -> [String: WireValue] {
        guard case .map(let entries) = try value(key) else { throw wrong(key, "not a map") }
        return entries
    }

    func place(_ key: String) -> String { "\(path).\(key)" }
}
