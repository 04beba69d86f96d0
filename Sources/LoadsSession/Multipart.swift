/// A `multipart/form-data` body: fields and files.
///
/// ```swift
/// var form = Multipart(["title": "Summer"])
/// form.addFile("photo", filename: "beach.jpg", contentType: "image/jpeg", bytes: bytes)
/// try await session.post("/photos", multipart: form)
/// ```
public struct Multipart: Sendable, ExpressibleByDictionaryLiteral {
    /// One part. A file has a file name.
    public struct Part: Sendable {
        /// The field's name.
        public var name: String
        /// The name that the server sees; nil for a field, which is no file.
        public var filename: String?
        /// Nil sends no `Content-Type` for the part.
        public var contentType: String?
        /// What is in it, sent as it is.
        public var bytes: [UInt8]
        /// - Parameter filename: Makes a file of it; nil is a field.
        public init(name: String, filename: String? = nil, contentType: String? = nil, bytes: [UInt8]) {
            self.name = name
            self.filename = filename
            self.contentType = contentType
            self.bytes = bytes
        }
    }

    /// In the order in which they are sent.
    public var parts: [Part]

    /// Text fields, in the order in which they are written.
    public init(dictionaryLiteral elements: (String, String)...) {
        parts = elements.map { Part(name: $0.0, bytes: Array($0.1.utf8)) }
    }

    /// A form with these fields; add files with ``addFile(_:filename:contentType:bytes:)``.
    public init(_ fields: QueryItems = [:]) {
        parts = fields.items.map { Part(name: $0.name, bytes: Array($0.value.utf8)) }
    }

    /// A form of parts made by hand.
    public init(parts: [Part]) { self.parts = parts }

    /// Adds a text field.
    public mutating func addField(_ name: String, _ value: String) {
        parts.append(Part(name: name, bytes: Array(value.utf8)))
    }

    /// Adds a file.
    public mutating func addFile(
        _ name: String, filename: String, contentType: String = "application/octet-stream", bytes: [UInt8]
    ) {
        parts.append(Part(name: name, filename: filename, contentType: contentType, bytes: bytes))
    }

    /// The body as it is sent.
    ///
    /// - Parameter boundary: What separates the parts; it must not occur in them.
    func encoded(boundary: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(parts.reduce(64) { $0 + $1.bytes.count + 160 })
        for part in parts {
            output.append(contentsOf: "--\(boundary)\r\nContent-Disposition: form-data; name=\"".utf8)
            output.append(contentsOf: Self.quoted(part.name))
            output.append(UInt8(ascii: "\""))
            if let filename = part.filename {
                output.append(contentsOf: "; filename=\"".utf8)
                output.append(contentsOf: Self.quoted(filename))
                output.append(UInt8(ascii: "\""))
            }
            output.append(contentsOf: "\r\n".utf8)
            if let type = part.contentType { output.append(contentsOf: "Content-Type: \(type)\r\n".utf8) }
            output.append(contentsOf: "\r\n".utf8)
            output.append(contentsOf: part.bytes)
            output.append(contentsOf: "\r\n".utf8)
        }
        output.append(contentsOf: "--\(boundary)--\r\n".utf8)
        return output
    }

    /// 128 random bits: it will not occur in a part.
    static func makeBoundary() -> String {
        "loads-" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// As the HTML standard encodes names: only quotes and line ends are replaced.
    private static func quoted(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x0A: Array("%0A".utf8)
            case 0x0D: Array("%0D".utf8)
            case 0x22: Array("%22".utf8)
            default: [byte]
            }
        }
    }
}
