import LoadsCore
import LoadsEventLoop
import LoadsWire

extension Checks {
    /// What a newer master says, and what no master says.
    static let hostile: [Check] = [
        Check("messages of an unknown type are passed over or refused", chapter: "Messages") { stage in
            try await stage.welcomed()
            // {"v": 1, "type": "frobnicate"}
            await stage.master.say(
                bytes: [0x82, 0xa1, 0x76, 0x01, 0xa4] + Array("type".utf8) + [0xaa] + Array("frobnicate".utf8))
            try await stage.stillBeats()
        },
        Check("fields that are unknown are passed over", chapter: "Messages", rules: Rules(leases: false)) { stage in
            try await stage.welcomed()
            let place = await stage.place
            var lease = MasterMessage.lease(MasterLease(sent: 4711)).encoded()
            // One field more: "zzz": [1, {"a": null}].
            lease[0] += 1
            lease += [0xa3, 0x7a, 0x7a, 0x7a, 0x92, 0x01, 0x81, 0xa1, 0x61, 0xc0]
            await stage.master.say(bytes: lease)
            try await stage.hear("a beat that echoes the lease", since: place) { message -> Bool? in
                if case .beat(let beat) = message, beat.echo?.masterSent == 4711 { true } else { nil }
            }
        },
        Check("garbage does not end it", chapter: "Errors") { stage in
            try await stage.welcomed()
            let ack = MasterMessage.ack(run: Stage.run, epoch: ScriptedMaster.nonce(), sequence: 1).encoded()
            let garbage: [[UInt8]] = [
                [], [0xc1], [0x00], [0x90], Array("GET / HTTP/1.1\r\n\r\n".utf8), Array(ack.dropLast()), ack + [0],
                // An array, and a text, that claim four billion elements.
                [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdb, 0xff, 0xff, 0xff, 0xff],
                [UInt8](repeating: 0x91, count: 100_000), content(of: 10_000, seed: 7),
                // {"v": 1, "type": "ack"}: nothing that an ack needs.
                [0x82, 0xa1, 0x76, 0x01, 0xa4] + Array("type".utf8) + [0xa3] + Array("ack".utf8),
                // {"v": 1, "type": 5}
                [0x82, 0xa1, 0x76, 0x01, 0xa4] + Array("type".utf8) + [0x05],
            ]
            for bytes in garbage { await stage.master.say(bytes: bytes) }
            try await stage.stillBeats()
        },
        Check("commands for a run that it does not have do not end it", chapter: "Errors") { stage in
            try await stage.welcomed()
            let now = Instant.now.nanoseconds
            await stage.master.say(.start(run: "conformance-other", at: now))
            await stage.master.say(
                .adjust(run: "conformance-other", Adjustment(users: 3, firstNewUser: 1, at: now)))
            await stage.master.say(.rawHits(run: "conformance-other", wanted: true))
            await stage.master.say(
                .chunk(FileChunk(hash: Script.file.hash, offset: 0, bytes: [1, 2, 3])))
            try await stage.stillBeats()
        },
    ]
}

extension Rules {
    init(leases: Bool) {
        self.init()
        self.leases = leases
    }
}
