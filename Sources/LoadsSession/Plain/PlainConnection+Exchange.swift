internal import Glibc
internal import LoadsEventLoop

/// Sending a request and receiving its response.
extension PlainConnection {
    /// Bytes in one turn, so that one large body does not hold up all users of the loop.
    private static let turnLimit = 1 << 20
    /// Room for a piece of a streamed request body.
    private static let pieceSize = 32 * 1024

    // MARK: Sending

    /// Sends as much as the system takes.
    func send() {
        guard let transfer, !isConnecting else { return }
        transfer.waitsToSend = false
        var turn = 0
        while !transfer.isSent && !transfer.stoppedSending {
            let left = transfer.out.count - transfer.outOffset
            if left == 0 {
                guard nextPiece(of: transfer) else { break }
                continue
            }
            // More follows at once: the system need not send a small packet of its own.
            let more = transfer.bodyToSend == nil ? 0 : Int32(MSG_MORE)
            let count = transfer.out.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + transfer.outOffset, left, Int32(MSG_NOSIGNAL) | more)
            }
            if count >= 0 {
                transfer.outOffset += count
                transfer.bytesSent += count
                turn += count
                if turn < Self.turnLimit { continue }
            } else if errno == EINTR {
                continue
            } else if errno != EAGAIN {
                return sendFailed(transfer, errno)
            }
            transfer.waitsToSend = true
            break
        }
        updateInterest()
    }

    /// Makes ready what goes out next. Returns false when there is nothing, for now or for good.
    private func nextPiece(of transfer: PlainTransfer) -> Bool {
        transfer.outOffset = 0
        if let body = transfer.takeBodyToSend() {
            transfer.out = body
            return true
        }
        transfer.out = []
        guard let upload = transfer.upload else {
            allSent(transfer)
            return false
        }
        var filling = Upload.Filling.nothingYet
        let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { space, count in
            filling = upload.fill(UnsafeMutableRawBufferPointer(space))
            if case .bytes(let filled) = filling { count = filled }
        }
        switch filling {
        case .bytes:
            if upload.length == nil {
                transfer.out = Array(String(piece.count, radix: 16).utf8) + [13, 10] + piece + [13, 10]
            } else {
                transfer.out = piece
            }
            return true
        case .end where upload.length == nil && !transfer.lastChunkIsSent:
            transfer.lastChunkIsSent = true
            transfer.out = Array("0\r\n\r\n".utf8)
            return true
        case .end: allSent(transfer)
        case .nothingYet:
            upload.request()
        case .broken: transfer.sendMore()
        }
        return false
    }

    private func allSent(_ transfer: PlainTransfer) {
        transfer.isSent = true
        transfer.sent = .now
        if let keeps = transfer.answer { return engine.complete(transfer, keepsConnection: keeps) }
    }

    /// The server does not take the rest. It may have said why: that is read first.
    private func sendFailed(_ transfer: PlainTransfer, _ code: Int32) {
        transfer.stoppedSending = true
        transfer.sent = .now
        transfer.upload?.cancel()
        if transfer.answer != nil { return engine.complete(transfer, keepsConnection: false) }
        if code != EPIPE && code != ECONNRESET { return engine.broken(transfer, PlainFailure.sending(code)) }
        updateInterest()
    }

    // MARK: Receiving

    func receive() {
        let buffer = engine.shared.buffer
        var rounds = 0
        while rounds < 16 {
            guard let transfer else { return }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                transfer.noteReceived(count)
                let bytes = UnsafeRawBufferPointer(start: buffer.baseAddress, count: count)
                guard read(bytes, transfer), count == buffer.count else { return }
                rounds += 1
            } else if count == 0 {
                return closed(transfer)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                return engine.broken(transfer, PlainFailure.receiving(errno))
            }
        }
    }

    /// Reads what came. Returns whether more of the response may follow now.
    private func read(_ raw: UnsafeRawBufferPointer, _ transfer: PlainTransfer) -> Bool {
        let bytes = raw.assumingMemoryBound(to: UInt8.self)
        var offset = 0
        while true {
            let event: ResponseParser.Event
            do throws(ResponseParser.Problem) { event = try parser.next(bytes, &offset) } catch {
                engine.abort(transfer, PlainFailure.improper(error, transfer.url))
                return false
            }
            switch event {
            case .more: return true
            case .informational: transfer.forgetFirstByte()
            case .head:
                if let error = transfer.takeHead(&parser) {
                    engine.abort(transfer, error)
                    return false
                }
                // Who has refused the request does not want the rest of it.
                if !transfer.isSent, parser.status >= 300 { stopSending(transfer) }
            case .body(let range):
                switch transfer.take(UnsafeRawBufferPointer(rebasing: raw[range]), length: parser.length) {
                case .taken: break
                case .refused:
                    transfer.held = (Array(raw[range]), Array(raw[offset...]))
                    updateInterest()
                    return false
                case .tooLarge:
                    engine.abort(transfer, transfer.tooLarge)
                    return false
                }
            case .end:
                // Bytes beyond the response cannot be told from the next one.
                ended(transfer, keepsConnection: parser.keepsConnection && offset == bytes.count)
                return false
            }
        }
    }

    private func stopSending(_ transfer: PlainTransfer) {
        transfer.stoppedSending = true
        transfer.sent = .now
        transfer.waitsToSend = false
        transfer.upload?.cancel()
        updateInterest()
    }

    private func ended(_ transfer: PlainTransfer, keepsConnection: Bool) {
        if transfer.isSent || transfer.stoppedSending {
            return engine.complete(transfer, keepsConnection: keepsConnection && transfer.isSent)
        }
        // A server that answers before it has read all gets the rest, as it expects it.
        transfer.answer = keepsConnection && transfer.answer != false
    }

    private func closed(_ transfer: PlainTransfer) {
        switch parser.closing() {
        case .complete: engine.complete(transfer, keepsConnection: false)
        case .beforeResponse: engine.broken(transfer, PlainFailure.closedBeforeResponse)
        case .premature: engine.broken(transfer, PlainFailure.closedWithinResponse)
        }
    }

    /// Offers once more what a stream's reader did not want, then goes on.
    func receiveHeld() {
        guard let transfer, let held = transfer.held else { return }
        transfer.held = nil
        let isTaken = held.body.withUnsafeBytes { transfer.take($0, length: nil) != .refused }
        guard isTaken else {
            transfer.held = held
            return
        }
        updateInterest()
        _ = held.rest.withUnsafeBytes { read($0, transfer) }
    }
}
