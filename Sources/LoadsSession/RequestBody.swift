/// A call's body, ready to send.
enum RequestBody {
    case none
    case bytes([UInt8], contentType: String?)
    case stream(BodyStream)
    /// It could not be made. The call fails with this, and is counted.
    case invalid(reason: String, cause: (any Error)?)

    /// The one body that a call was given.
    static func make(
        bytes: [UInt8]?, text: String?, json: (any Encodable)?, form: QueryItems?, multipart: Multipart?,
        stream: BodyStream?
    ) -> RequestBody {
        var body = RequestBody.none
        var given: [String] = []
        if let bytes {
            body = .bytes(bytes, contentType: nil)
            given.append("body:")
        }
        if let text {
            body = .bytes(Array(text.utf8), contentType: "text/plain; charset=utf-8")
            given.append("text:")
        }
        if let json {
            do {
                body = .bytes(try JSONCoding.encode(json), contentType: "application/json")
            } catch {
                body = .invalid(reason: "json: cannot be encoded: \(error)", cause: error)
            }
            given.append("json:")
        }
        if let form {
            body = .bytes(Array(form.encoded.utf8), contentType: "application/x-www-form-urlencoded")
            given.append("form:")
        }
        if let multipart {
            let boundary = Multipart.makeBoundary()
            body = .bytes(
                multipart.encoded(boundary: boundary), contentType: "multipart/form-data; boundary=\(boundary)")
            given.append("multipart:")
        }
        if let stream {
            body = .stream(stream)
            given.append("stream:")
        }
        if given.count > 1 {
            return .invalid(reason: "a call takes one body, not \(given.joined(separator: " and "))", cause: nil)
        }
        return body
    }

    var contentType: String? {
        if case .bytes(_, let type) = self { return type }
        return nil
    }
}
