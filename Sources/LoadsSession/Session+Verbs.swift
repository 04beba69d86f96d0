public import HTTPTypes

// Every verb takes the same parameters; `request` documents them.
extension Session {
    /// Performs a request and, in a load run, records it as one hit, whatever comes of it.
    ///
    /// At most one of `body`, `text`, `json`, `form`, `multipart` and `stream` is given; each but `body` and `stream`
    /// sets its `Content-Type`, unless `headers` has one.
    ///
    /// - Parameters:
    ///   - method: Any method.
    ///   - url: Absolute, or relative to the server (see ``Session``). Spaces and non-ASCII are encoded, a fragment is
    ///     dropped, `user:password@` becomes basic authentication.
    ///   - query: Added to the URL's query.
    ///   - headers: Sent in place of the session's of the same names.
    ///   - body: Bytes as they are.
    ///   - text: Text in UTF-8.
    ///   - json: Encoded with `JSONEncoder`.
    ///   - form: As `application/x-www-form-urlencoded`.
    ///   - multipart: As `multipart/form-data`.
    ///   - stream: Chunks that are asked for while they are sent.
    ///   - name: What the hit is grouped under; nil is the method and the path without the query.
    ///   - accepting: Statuses of 400 and above that do not count as failed.
    ///   - timeout: From the call to the last byte; nil is the load run's, then the session's (60 s).
    ///   - auth: In place of the session's.
    ///   - followRedirects: nil is the session's (on). 303, and 301 or 302 of a POST, go on as a GET without the body;
    ///     all else is repeated as it was. Credentials stay behind when scheme, host or port change.
    ///   - discardBody: Whether the body is counted and forgotten.
    /// - Returns: The complete response. Any status is a response, not an error.
    /// - Throws: ``SessionError`` when no complete response came. Cancelling the task aborts the transfer: `.cancelled`.
    public func request(
        _ method: HTTPRequest.Method, _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil,
        body: [UInt8]? = nil, text: String? = nil, json: (any Encodable)? = nil, form: QueryItems? = nil,
        multipart: Multipart? = nil, stream: BodyStream? = nil, name: String? = nil, accepting: StatusSet = .none,
        timeout: Duration? = nil, auth: Auth? = nil, followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        let body = RequestBody.make(
            bytes: body, text: text, json: json, form: form, multipart: multipart, stream: stream)
        return try await perform(
            Call(
                method: method, url: url, query: query, headers: headers, body: body, name: name,
                accepting: accepting, timeout: timeout, auth: auth, followsRedirects: followRedirects,
                receive: discardBody ? .discard : .whole))
    }

    /// Performs a request and returns after the headers of the response: its body is received as it is asked for.
    ///
    /// The hit is recorded when the body has ended, or is given up; see ``StreamedResponse``. The parameters are those
    /// of ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``;
    /// `timeout` covers the body too.
    public func stream(
        _ url: String, method: HTTPRequest.Method = .get, query: QueryItems = [:], headers: HTTPFields? = nil,
        body: [UInt8]? = nil, text: String? = nil, json: (any Encodable)? = nil, form: QueryItems? = nil,
        multipart: Multipart? = nil, stream: BodyStream? = nil, name: String? = nil, accepting: StatusSet = .none,
        timeout: Duration? = nil, auth: Auth? = nil, followRedirects: Bool? = nil
    ) async throws(SessionError) -> StreamedResponse {
        let body = RequestBody.make(
            bytes: body, text: text, json: json, form: form, multipart: multipart, stream: stream)
        return try await performStream(
            Call(
                method: method, url: url, query: query, headers: headers, body: body, name: name,
                accepting: accepting, timeout: timeout, auth: auth, followsRedirects: followRedirects,
                receive: .stream))
    }

    /// Gets what is at a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func get(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, name: String? = nil,
        accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil, followRedirects: Bool? = nil,
        discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await perform(
            Call(
                method: .get, url: url, query: query, headers: headers, body: .none, name: name,
                accepting: accepting, timeout: timeout, auth: auth, followsRedirects: followRedirects,
                receive: discardBody ? .discard : .whole))
    }

    /// Gets the headers of what is at a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func head(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, name: String? = nil,
        accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil, followRedirects: Bool? = nil
    ) async throws(SessionError) -> Response {
        try await perform(
            Call(
                method: .head, url: url, query: query, headers: headers, body: .none, name: name,
                accepting: accepting, timeout: timeout, auth: auth, followsRedirects: followRedirects,
                receive: .whole))
    }

    /// Posts a body to a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func post(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, body: [UInt8]? = nil, text: String? = nil,
        json: (any Encodable)? = nil, form: QueryItems? = nil, multipart: Multipart? = nil, stream: BodyStream? = nil,
        name: String? = nil, accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil,
        followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await request(
            .post, url, query: query, headers: headers, body: body, text: text, json: json, form: form,
            multipart: multipart, stream: stream, name: name, accepting: accepting, timeout: timeout, auth: auth,
            followRedirects: followRedirects, discardBody: discardBody)
    }

    /// Puts a body at a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func put(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, body: [UInt8]? = nil, text: String? = nil,
        json: (any Encodable)? = nil, form: QueryItems? = nil, multipart: Multipart? = nil, stream: BodyStream? = nil,
        name: String? = nil, accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil,
        followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await request(
            .put, url, query: query, headers: headers, body: body, text: text, json: json, form: form,
            multipart: multipart, stream: stream, name: name, accepting: accepting, timeout: timeout, auth: auth,
            followRedirects: followRedirects, discardBody: discardBody)
    }

    /// Changes what is at a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func patch(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, body: [UInt8]? = nil, text: String? = nil,
        json: (any Encodable)? = nil, form: QueryItems? = nil, multipart: Multipart? = nil, stream: BodyStream? = nil,
        name: String? = nil, accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil,
        followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await request(
            .patch, url, query: query, headers: headers, body: body, text: text, json: json, form: form,
            multipart: multipart, stream: stream, name: name, accepting: accepting, timeout: timeout, auth: auth,
            followRedirects: followRedirects, discardBody: discardBody)
    }

    /// Deletes what is at a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func delete(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, body: [UInt8]? = nil, text: String? = nil,
        json: (any Encodable)? = nil, form: QueryItems? = nil, multipart: Multipart? = nil, stream: BodyStream? = nil,
        name: String? = nil, accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil,
        followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await request(
            .delete, url, query: query, headers: headers, body: body, text: text, json: json, form: form,
            multipart: multipart, stream: stream, name: name, accepting: accepting, timeout: timeout, auth: auth,
            followRedirects: followRedirects, discardBody: discardBody)
    }

    /// Asks for the options of a URL.
    ///
    /// The parameters, what is returned and what is thrown are those of
    /// ``request(_:_:query:headers:body:text:json:form:multipart:stream:name:accepting:timeout:auth:followRedirects:discardBody:)``.
    public func options(
        _ url: String, query: QueryItems = [:], headers: HTTPFields? = nil, body: [UInt8]? = nil, text: String? = nil,
        json: (any Encodable)? = nil, form: QueryItems? = nil, multipart: Multipart? = nil, stream: BodyStream? = nil,
        name: String? = nil, accepting: StatusSet = .none, timeout: Duration? = nil, auth: Auth? = nil,
        followRedirects: Bool? = nil, discardBody: Bool = false
    ) async throws(SessionError) -> Response {
        try await request(
            .options, url, query: query, headers: headers, body: body, text: text, json: json, form: form,
            multipart: multipart, stream: stream, name: name, accepting: accepting, timeout: timeout, auth: auth,
            followRedirects: followRedirects, discardBody: discardBody)
    }
}
