/// The standard alphabet of RFC 4648, padded, as `Authorization: Basic` wants it.
func base64(_ bytes: some Sequence<UInt8>) -> String {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    var output: [UInt8] = []
    var bits: UInt32 = 0
    var held = 0
    for byte in bytes {
        bits = bits << 8 | UInt32(byte)
        held += 8
        while held >= 6 {
            held -= 6
            output.append(alphabet.utf8Start[Int(bits >> UInt32(held) & 63)])
        }
    }
    if held > 0 { output.append(alphabet.utf8Start[Int(bits << UInt32(6 - held) & 63)]) }
    while output.count % 4 != 0 { output.append(UInt8(ascii: "=")) }
    return String(decoding: output, as: UTF8.self)
}
