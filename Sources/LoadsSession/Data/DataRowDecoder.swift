/// Decodes a value of the user's type from a row of texts: one key a column.
struct DataRowDecoder: Decoder {
    let row: DataRow
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<Value: Decodable>(_ row: DataRow, as type: Value.Type) throws -> Value {
        try Value(from: DataRowDecoder(row: row))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Fields<Key>(row: row))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw Self.noShape("a row has names, and no order to decode by")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        throw Self.noShape("a row is decoded as a type with one property a column")
    }

    static func noShape(_ reason: String, _ path: [any CodingKey] = []) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: path, debugDescription: reason))
    }

    private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let row: DataRow
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { row.names.compactMap { Key(stringValue: $0) } }

        func contains(_ key: Key) -> Bool { row.value(key.stringValue) != nil }
        /// An empty field is nil to an optional property.
        func decodeNil(forKey key: Key) throws -> Bool { try field(key).decodeNil() }

        private func field(_ key: Key) throws -> Field {
            guard let text = row.value(key.stringValue) else {
                let columns = row.names.joined(separator: ", ")
                throw DecodingError.keyNotFound(
                    key, DecodingError.Context(codingPath: [], debugDescription: "the columns are \(columns)"))
            }
            return Field(text: text, codingPath: [key])
        }

        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try field(key).decode(type) }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try field(key).decode(type) }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try field(key).decode(type) }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try field(key).decode(type) }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try field(key).decode(type) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try field(key).decode(type) }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try field(key).decode(type) }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try field(key).decode(type) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try field(key).decode(type) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try field(key).decode(type) }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try field(key).decode(type) }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try field(key).decode(type) }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try field(key).decode(type) }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try field(key).decode(type) }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try field(key).decode(type)
        }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
            -> KeyedDecodingContainer<Nested>
        { throw DataRowDecoder.noShape("a field of a row is one value", [key]) }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw DataRowDecoder.noShape("a field of a row is one value", [key])
        }
        func superDecoder() throws -> any Decoder { throw DataRowDecoder.noShape("a row is one value") }
        func superDecoder(forKey key: Key) throws -> any Decoder { try field(key) }
    }

    /// One field.
    private struct Field: Decoder, SingleValueDecodingContainer {
        let text: String
        let codingPath: [any CodingKey]
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
            throw DataRowDecoder.noShape("a field of a row is one value", codingPath)
        }
        func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
            throw DataRowDecoder.noShape("a field of a row is one value", codingPath)
        }
        func singleValueContainer() -> any SingleValueDecodingContainer { self }

        func decodeNil() -> Bool { text.isEmpty }

        func decode(_ type: Bool.Type) throws -> Bool {
            switch text.lowercased() {
            case "true", "yes", "1": return true
            case "false", "no", "0": return false
            default: throw mismatch(type, "true or false")
            }
        }
        func decode(_ type: String.Type) -> String { text }
        func decode(_ type: Double.Type) throws -> Double { try parse(type, "a number") }
        func decode(_ type: Float.Type) throws -> Float { try parse(type, "a number") }
        func decode(_ type: Int.Type) throws -> Int { try parse(type) }
        func decode(_ type: Int8.Type) throws -> Int8 { try parse(type) }
        func decode(_ type: Int16.Type) throws -> Int16 { try parse(type) }
        func decode(_ type: Int32.Type) throws -> Int32 { try parse(type) }
        func decode(_ type: Int64.Type) throws -> Int64 { try parse(type) }
        func decode(_ type: UInt.Type) throws -> UInt { try parse(type) }
        func decode(_ type: UInt8.Type) throws -> UInt8 { try parse(type) }
        func decode(_ type: UInt16.Type) throws -> UInt16 { try parse(type) }
        func decode(_ type: UInt32.Type) throws -> UInt32 { try parse(type) }
        func decode(_ type: UInt64.Type) throws -> UInt64 { try parse(type) }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try Value(from: self) }

        private func parse<Value: LosslessStringConvertible>(
            _ type: Value.Type, _ meaning: String = "a whole number"
        ) throws -> Value {
            guard let value = Value(text) else { throw mismatch(type, "\(meaning) (\(type))") }
            return value
        }

        private func mismatch(_ type: any Any.Type, _ meaning: String) -> DecodingError {
            .typeMismatch(
                type,
                DecodingError.Context(
                    codingPath: codingPath, debugDescription: "\"\(text.prefix(40))\" is not \(meaning)"))
        }
    }
}
