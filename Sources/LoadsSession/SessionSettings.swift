import HTTPTypes
import LoadsCore
import LoadsEventLoop

/// A configuration made ready: what every exchange needs is there, and sessions without a configuration share one.
final class SessionSettings: Sendable {
    typealias Header = (name: String, value: String)

    let configuration: SessionConfiguration
    /// The session's headers and the defaults, as an engine takes them; without `Authorization`.
    let headers: [Header]
    let canonicalNames: [String]
    let connection: ConnectionOptions
    let hasHooks: Bool
    let makeEngine: @Sendable (EventLoop) -> any Engine

    /// What `Session()` and `Session(baseURL:)` use.
    static let standard = SessionSettings(configuration: SessionConfiguration())

    init(
        configuration: SessionConfiguration,
        makeEngine: @escaping @Sendable (EventLoop) -> any Engine = { UserEngine(loop: $0) }
    ) {
        self.configuration = configuration
        self.makeEngine = makeEngine
        var headers: [Header] = []
        var names: [String] = []
        func add(_ name: String, _ value: String) {
            headers.append((name, value))
            names.append(name.lowercased())
        }
        if configuration.headers[.userAgent] == nil { add("User-Agent", Self.userAgent) }
        if configuration.headers[.accept] == nil { add("Accept", "*/*") }
        if configuration.decompresses, configuration.headers[.acceptEncoding] == nil {
            add("Accept-Encoding", ContentDecoderChain.accepted)
        }
        for field in configuration.headers { add(field.name.rawName, field.value) }
        self.headers = headers
        canonicalNames = names

        var connection = ConnectionOptions()
        connection.connectTimeout = configuration.connectTimeout
        connection.verifiesTLS = configuration.tls.verifies
        connection.caFile = configuration.tls.caFile
        connection.certificateFile = configuration.tls.certificateFile
        connection.keyFile = configuration.tls.keyFile
        connection.proxy = configuration.proxy
        connection.unixSocket = configuration.unixSocket
        connection.pins = configuration.resolve
        connection.allowsHTTP2 = configuration.allowsHTTP2
        self.connection = connection
        hasHooks = !configuration.onRequest.isEmpty || !configuration.onResponse.isEmpty
    }

    /// The version is the package's.
    static let userAgent = "loads/0.1.0"
}
