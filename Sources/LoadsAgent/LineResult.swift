import LoadsCore

/// What one record of the `lines` dialect says (Docs/RunnerProtocol.md).
enum LineResult: Equatable {
    case hit(LineHit)
    case iteration(LineIteration)
    case failure(LineFailure)
    case step(LineStep)
    case check(LineCheck)
    case metric(LineMetric)
    case note(String)
    /// What the set-up hands over, as JSON.
    case value(String)
    /// Users at work from now on.
    case users(Int)
    case arrivals(LineArrivals)
    /// What of a plan the program knows beyond users in cycles.
    case knows([String])

    /// - Throws: ``LineFault`` when it is none of them, or a field is missing or out of its range. Fields that nobody
    ///   knows are not an error.
    init(_ record: LineValue) throws(LineFault) {
        guard case .map = record else { throw LineFault("it is no map") }
        if case .map? = record["iteration"] {
            self = .iteration(try LineIteration(record["iteration"]!))
        } else if case .map? = record["step"] {
            self = .step(try LineStep(record["step"]!))
        } else if case .map? = record["check"] {
            self = .check(try LineCheck(record["check"]!))
        } else if case .map? = record["metric"] {
            self = .metric(try LineMetric(record["metric"]!))
        } else if case .map? = record["arrivals"] {
            self = .arrivals(try LineArrivals(record["arrivals"]!))
        } else if case .array(let names)? = record["knows"] {
            // What nobody here knows is no less known to the program.
            self = .knows(names.compactMap { if case .string(let name) = $0 { name.cut(to: 100) } else { nil } })
        } else if let failure = record["failure"] {
            self = .failure(try LineFailure(failure))
        } else if let note = record["note"] {
            self = .note(try note.text("note", upTo: LineLimits.textBytes))
        } else if record["ms"] != nil || record["error"] != nil || record["status"] != nil {
            self = .hit(try LineHit(record))
        } else if case .map(let entries) = record, entries.count == 1, entries[0].key == "value" {
            self = .value(entries[0].value.json)
        } else if let users = record["users"] {
            self = .users(try users.count("users", upTo: Plan.userLimit))
        } else {
            throw LineFault(
                "it is no hit (no ms and no error), no iteration, step, check, metric, failure, note or users")
        }
    }
}

/// One measured call.
struct LineHit: Equatable {
    /// Seconds since the start; nil is: it has just ended.
    var time: Double?
    var user = 0
    var iteration = 0
    var name: String
    var method: String
    var url: String
    var status: Int?
    /// Nanoseconds.
    var latency: Int64 = 0
    var phases = Phases()
    var bytes = 0
    var bytesSent = 0
    var requests = 1
    var error: HitError?

    var failed: Bool { error != nil || (status ?? 0) >= 400 }

    init(_ record: LineValue) throws(LineFault) {
        url = try record["url"]?.text("url", upTo: LineLimits.textBytes) ?? ""
        method = try record["method"]?.text("method", upTo: 40) ?? (url.isEmpty ? "" : "GET")
        if let name = record["name"] {
            self.name = try name.text("name", upTo: LineLimits.nameBytes)
        } else {
            guard !url.isEmpty else { throw LineFault("a hit needs a name or a url") }
            name = Self.name(method, url)
        }
        error = try record["error"].flatMap(LineHit.error)
        if let milliseconds = record["ms"] {
            latency = try milliseconds.nanoseconds("ms")
        } else if error == nil {
            throw LineFault("a hit needs its ms, or an error")
        }
        time = try record["t"].map2 { value throws(LineFault) in
            try value.number("t", upTo: 1e8, "seconds since the start of the run")
        }
        if let status = record["status"] {
            let code = try status.count("status", upTo: 999)
            // What many clients call a response that never came.
            self.status = code == 0 ? nil : code
        }
        if let user = record["user"] { self.user = try user.count("user", upTo: 1 << 42) }
        if let iteration = record["iteration"] { self.iteration = try iteration.count("iteration", upTo: 1 << 42) }
        if let bytes = record["bytes"] { self.bytes = try bytes.count("bytes", upTo: 1 << 42) }
        if let sent = record["bytes_sent"] { bytesSent = try sent.count("bytes_sent", upTo: 1 << 42) }
        if let requests = record["requests"] { self.requests = try requests.count("requests", upTo: 1 << 20) }
        if let phases = record["phases"] { self.phases = try Self.phases(phases) }
    }

    /// A URL without what is different for each call: `GET /articles`.
    static func name(_ method: String, _ url: String) -> String {
        var path = Substring(url)
        if let scheme = path.range(of: "://") {
            let rest = path[scheme.upperBound...]
            path = rest.firstIndex { "/?#".contains($0) }.map { rest[$0...] } ?? "/"
        }
        path = path.prefix { $0 != "?" && $0 != "#" }
        return (method + " " + (path.first == "/" ? "" : "/") + path).cut(to: LineLimits.nameBytes)
    }

    private static func error(_ value: LineValue) throws(LineFault) -> HitError? {
        switch value {
        case .bool(false), .null: return nil
        case .string(let text):
            return HitError(kind: text.cut(to: LineLimits.nameBytes), message: text.cut(to: LineLimits.textBytes))
        case .map:
            guard let kind = value["kind"] else { throw LineFault("an error that is a map needs its kind") }
            let name = try kind.text("kind", upTo: LineLimits.nameBytes)
            return HitError(
                kind: name, message: try value["message"]?.text("message", upTo: LineLimits.textBytes) ?? name)
        default: throw LineFault("error: neither a text nor a map")
        }
    }

    private static func phases(_ value: LineValue) throws(LineFault) -> Phases {
        var phases = Phases()
        let places: [(String, WritableKeyPath<Phases, Int64>)] = [
            ("blocked", \.blocked), ("dns", \.dns), ("connect", \.connect), ("tls", \.tls), ("send", \.send),
            ("wait", \.wait), ("receive", \.receive),
        ]
        for (name, place) in places {
            if let time = value[name] { phases[keyPath: place] = try time.nanoseconds(name) }
        }
        return phases
    }
}

/// One iteration that has ended.
struct LineIteration: Equatable {
    enum Outcome: String {
        case ok, failed, skipped, interrupted
    }

    var outcome: Outcome
    /// Nanoseconds; nil if it was not measured.
    var service: Int64?
    /// Nanoseconds from when it was due; nil if it was not.
    var response: Int64?
    var failure: LineFailure?

    init(_ value: LineValue) throws(LineFault) {
        failure = try value["failure"].map2 { failure throws(LineFault) in try LineFailure(failure) }
        let word = try value["outcome"]?.text("outcome", upTo: 40) ?? (failure == nil ? "ok" : "failed")
        guard let outcome = Outcome(rawValue: word) else {
            throw LineFault("an iteration's outcome is ok, failed, skipped or interrupted")
        }
        self.outcome = outcome
        service = try value["ms"].map2 { time throws(LineFault) in try time.nanoseconds("ms") }
        response = try value["response_ms"].map2 { time throws(LineFault) in try time.nanoseconds("response_ms") }
    }
}

/// Something that an iteration found wrong.
struct LineFailure: Equatable {
    var place: String
    var message: String

    init(_ value: LineValue) throws(LineFault) {
        message = try value["message"]?.text("message", upTo: LineLimits.textBytes) ?? ""
        place = try value["at"]?.text("at", upTo: LineLimits.nameBytes) ?? "runner"
    }
}

extension LineValue {
    func text(_ field: String, upTo limit: Int) throws(LineFault) -> String {
        guard case .string(let text) = self else { throw LineFault("\(field): not a text") }
        return text.cut(to: limit)
    }

    /// A whole number, also one that is written as 12.0.
    func count(_ field: String, upTo limit: Int) throws(LineFault) -> Int {
        let value: Int? =
            switch self {
            case .int(let value): value
            case .double(let value): Int(exactly: value)
            default: nil
            }
        guard let value, value >= 0, value <= limit else {
            throw LineFault("\(field): not a whole number from 0 to \(limit)")
        }
        return value
    }

    func number(_ field: String, upTo limit: Double, _ meaning: String) throws(LineFault) -> Double {
        let value: Double? =
            switch self {
            case .int(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        guard let value, value >= 0, value <= limit else {
            throw LineFault("\(field): not \(meaning), from 0 up")
        }
        return value
    }

    /// Milliseconds as nanoseconds; at most a thousand million, which is eleven days.
    func nanoseconds(_ field: String) throws(LineFault) -> Int64 {
        Int64((try number(field, upTo: 1e9, "a time in milliseconds") * 1e6).rounded())
    }
}

extension String {
    /// The beginning, of at most so many bytes of UTF-8, with a sign that something is missing.
    func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = ""
        var count = 0
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            if count > limit - 3 { break }
            text.unicodeScalars.append(scalar)
        }
        return text + "…"
    }
}

extension Substring {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        let pattern = Array(text.utf8)
        var place = utf8.startIndex
        while let end = utf8.index(place, offsetBy: pattern.count, limitedBy: utf8.endIndex) {
            if utf8[place..<end].elementsEqual(pattern) { return place..<end }
            place = utf8.index(after: place)
        }
        return nil
    }
}

extension Optional {
    /// `map` with a typed error.
    fileprivate func map2<Result>(_ body: (Wrapped) throws(LineFault) -> Result) throws(LineFault) -> Result? {
        guard let self else { return nil }
        return try body(self)
    }
}
