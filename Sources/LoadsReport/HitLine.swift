public import LoadsCore

extension JSONWriter {
    /// Appends a hit as one line of the stream: a JSON object and a line feed. `Docs/Summary.md` lists its fields.
    public mutating func line(_ hit: RawHit) {
        beginObject()
        key("t")
        value(hit.time, decimals: 6)
        key("user")
        value(hit.user)
        key("iteration")
        value(hit.iteration)
        key("name")
        value(hit.name)
        key("method")
        value(hit.method)
        key("url")
        value(hit.url)
        key("status")
        value(hit.status)
        key("ms")
        milliseconds(hit.latency)
        key("bytes")
        value(hit.bytes)
        key("requests")
        value(hit.requests)
        key("error")
        value(hit.error)
        endObject()
        newline()
    }
}
