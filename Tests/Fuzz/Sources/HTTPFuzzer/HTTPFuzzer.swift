@testable import LoadsSession
@testable import LoadsTestServer

/// Hands bytes to a parser of the session's or the test server's, which their first byte chooses.
func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 0 else { return 0 }
    let bytes = [UInt8](UnsafeBufferPointer(start: data + 1, count: size - 1))
    let text = String(decoding: bytes, as: UTF8.self)
    switch data[0] % 7 {
    case 0: head(bytes)
    case 1: cookies(text)
    case 2: url(text)
    case 3: _ = Charset.decode(bytes, contentType: "text/html; charset=utf-16")
    case 4: _ = Charset.decode(Array("<p>".utf8), contentType: text)
    case 5: encodings(bytes)
    default: request(bytes)
    }
    return 0
}

private let base = try! WebURL(absolute: "http://a.test/b/c?d")

private func head(_ bytes: [UInt8]) {
    let head = HTTPHead(bytes: bytes)
    let essentials = head.essentials()
    for range in [essentials.location, essentials.contentEncoding, head.range(of: "content-type")] {
        if let range { _ = head.text(range) }
    }
    _ = head.values(of: "set-cookie")
}

private func cookies(_ text: String) {
    var jar = CookieJar()
    for line in text.split(separator: "\n") { jar.store([String(line)], from: base, now: .seconds(1_700_000_000)) }
    _ = jar.header(for: base, now: .seconds(1_700_000_000))
}

/// What was accepted and written must be read again as the same: signatures and cookies depend on it.
private func url(_ text: String) {
    guard let url = try? WebURL(text, relativeTo: base) else { return }
    guard let again = try? WebURL(absolute: url.text), again.text == url.text else {
        fatalError("\(text) is \(url.text), which is read as something else")
    }
}

/// The first byte tells the coding, the rest is the body.
private func encodings(_ bytes: [UInt8]) {
    let names = ["gzip", "deflate", "br", "zstd", "gzip, br"]
    guard let first = bytes.first, let decoder = ContentDecoderChain(names[Int(first) % names.count]) else { return }
    _ = try? decoder.decodeAll(Array(bytes.dropFirst()), limit: 1 << 20)
}

/// In pieces, as the network may cut it.
private func request(_ bytes: [UInt8]) {
    var parser = RequestParser()
    let piece = max(1, bytes.count / 3)
    for start in stride(from: 0, to: bytes.count, by: piece) {
        bytes[start..<min(bytes.count, start + piece)].withUnsafeBytes { parser.receive($0) }
        while let event = parser.next() { if case .failed = event { return } }
    }
}
