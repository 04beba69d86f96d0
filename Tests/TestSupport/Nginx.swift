import Foundation
import Glibc

/// Debian's nginx on free ports of the loopback, with everything it writes in a directory of its own.
///
/// Serves `/` and `/index.html` (1 KiB), `/large` (4 MiB), `/basic/` (user `tarek`, password `secret`), `/gzip.txt`
/// (compressible), `/empty` (204), `/moved` (two redirects to `/`); the same over plain HTTP (127.0.0.1, ::1 and a Unix socket), over TLS with HTTP/2,
/// over TLS without it, and over TLS that demands a client certificate.
public final class Nginx: Sendable {
    /// One nginx for the whole test run.
    public static var shared: Nginx { get async throws { try await sharedTask.value } }
    private static let sharedTask = Task { try await Nginx() }

    public let port, http2Port, tlsPort, clientCertificatePort: Int
    public let unixSocket: String
    public let authority: CertificateAuthority
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    /// `http://127.0.0.1:PORT`
    public var url: String { "http://127.0.0.1:\(port)" }
    /// `https://localhost:PORT` with HTTP/2 on offer.
    public var http2URL: String { "https://localhost:\(http2Port)" }
    /// `https://localhost:PORT`, HTTP/1.1 only.
    public var tlsURL: String { "https://localhost:\(tlsPort)" }
    /// `https://localhost:PORT` for clients with a certificate.
    public var clientCertificateURL: String { "https://localhost:\(clientCertificatePort)" }

    /// The body of `/`: 1,024 bytes, "Tarek" among them.
    public static let page: String = {
        let start = "<!doctype html><title>Blog</title><p>Tarek wrote this.</p>\n"
        return start + String(repeating: ".", count: 1023 - start.utf8.count) + "\n"
    }()

    /// Starts it and waits until it answers.
    ///
    /// - Parameter port: The plain HTTP port; nil is a free one.
    public init(port: Int? = nil) async throws {
        authority = try await CertificateAuthority()
        directory = try TemporaryDirectory(prefix: "nginx")
        self.port = try port ?? Ports.free()
        http2Port = try Ports.free()
        tlsPort = try Ports.free()
        clientCertificatePort = try Ports.free()
        let path = directory.path
        unixSocket = path + "/socket"
        // Workers drop root's rights and must still reach the files.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        try FileManager.default.createDirectory(atPath: path + "/root/basic", withIntermediateDirectories: true)
        try directory.write(Self.page, to: "root/index.html")
        try directory.write("signed in\n", to: "root/basic/index.html")
        try directory.write(String(repeating: "compressible ", count: 1000), to: "root/gzip.txt")
        try directory.write(String(repeating: "0123456789abcde\n", count: 262_144), to: "root/large")
        try directory.write("tarek:{PLAIN}secret\n", to: "htpasswd")
        let configuration = try directory.write(
            Self.configuration(
                path: path, port: self.port, http2: http2Port, tls: tlsPort, client: clientCertificatePort, authority),
            to: "nginx.conf")
        process = try ChildProcess(["/usr/sbin/nginx", "-p", path, "-e", path + "/error.log", "-c", configuration])
        let port = self.port
        try await process.wait(for: "answer") { Ports.answers(port) }
    }

    /// The access log: one line a request, `METHOD URI STATUS PROTOCOL CONNECTION`.
    public func accessLog() -> [String] {
        let text = FileManager.default.contents(atPath: directory.path + "/access.log") ?? Data()
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Waits until the access log has that many lines (nginx writes a line after the response), at most a minute.
    public func accessLog(atLeast count: Int) async throws -> [String] {
        for _ in 0..<6_000 {
            let log = accessLog()
            // A long log takes a while to read: no more often than it must be.
            if log.count >= count { return log }
            try await Task.sleep(for: .milliseconds(10))
        }
        return accessLog()
    }

    /// Empties the access log.
    public func clearAccessLog() { _ = truncate(directory.path + "/access.log", 0) }

    /// Ends it. Without this call it ends with the test run.
    public func stop() async { await process.stop() }

    private static func configuration(
        path: String, port: Int, http2: Int, tls: Int, client: Int, _ authority: CertificateAuthority
    ) -> String {
        let certificate = "ssl_certificate \(authority.serverCertificate); ssl_certificate_key \(authority.serverKey);"
        let locations = """
            root \(path)/root;
            location /basic/ { auth_basic "Blog"; auth_basic_user_file \(path)/htpasswd; }
            location = /empty { return 204; }
            location = /moved { return 302 /moved-again; }
            location = /moved-again { return 302 /; }
            """
        return """
            daemon off;
            \(geteuid() == 0 ? "user root;" : "")
            worker_processes 1;
            worker_rlimit_nofile 20000;
            pid \(path)/pid;
            error_log \(path)/error.log warn;
            events { worker_connections 8192; }
            http {
                types { text/html html; text/plain txt; }
                default_type application/octet-stream;
                log_format short '$request_method $request_uri $status $server_protocol $connection';
                access_log \(path)/access.log short;
                client_body_temp_path \(path)/body; proxy_temp_path \(path)/proxy; fastcgi_temp_path \(path)/fastcgi;
                uwsgi_temp_path \(path)/uwsgi; scgi_temp_path \(path)/scgi;
                keepalive_requests 10000000; keepalive_timeout 300;
                gzip on; gzip_types text/plain; gzip_min_length 2000;
                server {
                    listen 127.0.0.1:\(port) backlog=4096; listen [::1]:\(port); listen unix:\(path)/socket;
                    \(locations)
                }
                server { listen 127.0.0.1:\(http2) ssl http2; listen [::1]:\(http2) ssl http2; \(certificate) \(locations) }
                server { listen 127.0.0.1:\(tls) ssl; listen [::1]:\(tls) ssl; \(certificate) \(locations) }
                server {
                    listen 127.0.0.1:\(client) ssl; listen [::1]:\(client) ssl; \(certificate)
                    ssl_client_certificate \(authority.caFile); ssl_verify_client on;
                    \(locations)
                }
            }
            """
    }
}
