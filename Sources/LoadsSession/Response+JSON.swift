internal import FoundationEssentials

extension Response {
    /// Decodes the body as JSON.
    ///
    /// - Throws: ``SessionError`` `.body` when it is no JSON or not of this form; the decoder's words are in it.
    public func json<Value: Decodable>(as type: Value.Type = Value.self) throws(SessionError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw SessionError(
                code: .body,
                message: "the answer of \(url) is not the JSON of \(type): \(JSONCoding.words(for: error))",
                url: url, cause: error)
        }
    }
}

/// JSON by FoundationEssentials, which alone of Foundation is linked.
enum JSONCoding {
    static func encode(_ value: any Encodable) throws -> [UInt8] { [UInt8](try JSONEncoder().encode(value)) }

    /// What a decoding error says, without the type's dump.
    static func words(for error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
        case .keyNotFound(let key, let found):
            let path = found.codingPath.map(\.stringValue).joined(separator: ".")
            return "no key \(key.stringValue)" + (path.isEmpty ? "" : " in \(path)")
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return (path.isEmpty ? "" : "\(path): ") + context.debugDescription
    }
}
