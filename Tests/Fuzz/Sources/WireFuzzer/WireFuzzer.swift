import LoadsCore
import LoadsWire

/// Hands bytes to a decoder, which their first byte chooses. What is accepted is used as a master or an agent would: it
/// must not trap later either.
func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 0 else { return 0 }
    let bytes = [UInt8](UnsafeBufferPointer(start: data + 1, count: size - 1))
    switch data[0] % 9 {
    case 0:
        if let message = try? RunnerCommand(decoding: bytes) {
            again(message.encoded()) { try RunnerCommand(decoding: $0) }
        }
    case 1:
        if let message = try? RunnerReport(decoding: bytes) {
            for part in message.encoded() { again(part) { try RunnerReport(decoding: $0) } }
        }
    case 2:
        if let message = try? AgentMessage(decoding: bytes) {
            again(message.encoded()) { try AgentMessage(decoding: $0) }
        }
    case 3:
        if let message = try? MasterMessage(decoding: bytes) {
            again(message.encoded()) { try MasterMessage(decoding: $0) }
        }
    case 4:
        if let message = try? ResultMessage(decoding: bytes) {
            again(message.encoded()) { try ResultMessage(decoding: $0) }
        }
    case 5:
        if let message = try? PeerMessage(decoding: bytes), case .client(let request) = message {
            again(request.encoded()) { try ClientRequest(decoding: $0) }
        }
    case 6:
        if let message = try? ClientAnswer(decoding: bytes) {
            for part in message.encoded() { again(part) { try ClientAnswer(decoding: $0) } }
        }
    case 7:
        if let message = try? StreamMessage(decoding: bytes) {
            again(message.encoded()) { try StreamMessage(decoding: $0) }
        }
    default: read(bytes)
    }
    return 0
}

/// What we have accepted and written again must be accepted again.
private func again<Message>(_ bytes: [UInt8], _ decode: ([UInt8]) throws -> Message) {
    do { _ = try decode(bytes) } catch { fatalError("written, but not read: \(error)") }
}

private func read(_ bytes: [UInt8]) {
    guard let reader = try? BatchReader(report: bytes) else { return }
    var merged = Statistics()
    reader.merge(into: &merged)
    reader.merge(into: &merged)
    _ = merged.hits.latency.percentile(0.95)
    let stream = reader.streamMessage(
        run: "r", boot: "0011223344556677", sequence: 1, time: 0, agent: "a")
    guard case .hits(_, let hits) = try? StreamMessage(decoding: stream).content, hits == reader.hits else {
        fatalError("the stream's hits are not the batch's")
    }
    guard reader.batch.hits == hits, reader.batch.statistics.hitCount == reader.hitCount else {
        fatalError("the batch is not what it says")
    }
}
