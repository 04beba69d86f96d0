import Foundation
import LoadsWire

/// How a run's URLs have their servers trusted.
struct ServerTrust: Sendable, Equatable {
    /// Whether certificates are not verified.
    var isInsecure = false
    /// The certificates of the authorities to trust, each as PEM; none are the system's.
    var authorities: [String] = []

    /// Its options, which hold for all URLs of a run.
    static let options = ["insecure", "ca"]

    private static let start = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"
    /// Bytes of a certificate: a longer text is cut on its way to an agent.
    private static let certificateLimit = WireLimits.stringBytes
    /// Bytes of all certificates, so that an order stays far below the longest message.
    private static let limit = 1 << 20

    /// The system's authorities are trusted.
    init() {}

    /// Reads the file of authorities, since it is not where the agents are.
    init(_ settings: Settings, _ read: inout Readings) {
        isInsecure = settings.flag("insecure")
        guard let given = settings.value("ca") else { return }
        if let insecure = settings.given("insecure") {
            read.complain("\(insecure.words) and \(given.words) exclude each other: certificates are verified or not")
        }
        guard let data = FileManager.default.contents(atPath: given.text) else {
            read.complain("\(given.words): cannot be read (is it there? may you read it?)")
            return
        }
        // What stands around the certificates may be in any encoding.
        authorities = Self.certificates(in: String(decoding: data, as: UTF8.self))
        if let problem = Self.problem(with: authorities) { read.complain("\(given.words): \(problem)") }
    }

    /// The certificates of a PEM file alone: a key that lies beside them is nothing for an agent.
    private static func certificates(in text: String) -> [String] {
        var certificates: [String] = []
        var rest = text[...]
        while let first = rest.firstRange(of: start) {
            let next = rest[first.upperBound...].firstRange(of: end)?.upperBound ?? rest.endIndex
            certificates.append(String(rest[first.lowerBound..<next]))
            rest = rest[next...]
        }
        return certificates
    }

    private static func problem(with certificates: [String]) -> String? {
        if certificates.isEmpty { return "holds no certificate in PEM (\(start))" }
        for (index, certificate) in certificates.enumerated() {
            if !isWhole(certificate) { return "certificate \(index + 1) of it is not whole" }
            if certificate.utf8.count > certificateLimit {
                return "certificate \(index + 1) of it is longer than \(certificateLimit) bytes"
            }
        }
        let bytes = certificates.reduce(0) { $0 + $1.utf8.count }
        return bytes > limit ? "more than \(limit) bytes of certificates: leave those that the servers need" : nil
    }

    /// Whether there is something between its lines that can be a certificate: a sequence of ASN.1 in Base64.
    private static func isWhole(_ certificate: String) -> Bool {
        guard certificate.hasSuffix(end) else { return false }
        let body = String(certificate.dropFirst(start.count).dropLast(end.count))
        // Of another one that begins in it.
        if body.contains("-") { return false }
        return Data(base64Encoded: body, options: .ignoreUnknownCharacters)?.first == 0x30
    }
}
