import Foundation

/// A certificate authority made on the spot with openssl: a server's and a client's certificate, and a stranger's.
public final class CertificateAuthority: Sendable {
    /// PEM files.
    public let caFile, serverCertificate, serverKey, clientCertificate, clientKey: String
    /// The certificate of an authority that has signed nothing here.
    public let strangerFile: String
    private let directory: TemporaryDirectory

    /// The server's certificate names `localhost`, `*.loads.test`, 127.0.0.1 and ::1.
    public init() async throws {
        directory = try TemporaryDirectory(prefix: "ca")
        let path = directory.path
        (caFile, strangerFile) = (path + "/ca.pem", path + "/stranger.pem")
        (serverCertificate, serverKey) = (path + "/server.pem", path + "/server.key")
        (clientCertificate, clientKey) = (path + "/client.pem", path + "/client.key")
        let script = """
            set -e
            authority() {
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \\
                    -subj "/CN=Loads test authority $1" -keyout $1.key -out $1.pem
            }
            certificate() {
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \\
                    -keyout $1.key -out $1.csr
                printf '%s\\n' "$2" > $1.ext
                openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \\
                    -extfile $1.ext -out $1.pem
            }
            authority ca
            authority stranger
            certificate server 'subjectAltName=DNS:localhost,DNS:*.loads.test,IP:127.0.0.1,IP:::1'
            certificate client 'extendedKeyUsage=clientAuth'
            """
        try await ChildProcess.succeed(["/bin/sh", "-c", script], directory: path)
    }
}
