import LoadsSession

/// One request, nothing measured: the session alone.
func fetch(_ url: String) async throws {
    let session = Session { $0.timeout = .seconds(5) }
    let response = try await session.get(url)
    try response.requireSuccess()
    print("\(response.status.code), \(response.body.count) bytes in \(response.elapsed)")
}
