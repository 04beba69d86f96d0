import Glibc
import LoadsWire

/// Files that clients upload and agents fetch, addressed by their SHA-256 and checked when they arrive.
///
/// Confined to the master's loop; pieces are small, so that reading or writing one holds nothing up.
struct FileStore {
    private struct Known {
        var bytes: Int
        /// Grows with each use.
        var used: Int
    }

    private struct Arriving {
        var descriptor: Int32
        var bytes: Int
        var digest: SHA256
    }

    private let wanted: String?
    private let limit: Int
    private var directory: String?
    private var files: [String: Known] = [:]
    private var arriving: [String: Arriving] = [:]
    /// The sizes of files that runs are waiting for.
    private var expected: [String: Int] = [:]
    private var uses = 0

    /// - Parameters:
    ///   - directory: Where files are kept; nil is a temporary directory.
    ///   - limit: The most bytes of all files.
    init(directory: String?, limit: Int) {
        wanted = directory
        self.limit = limit
        if let directory { scan(directory) }
    }

    /// Whether a file is there, with the size that it should have.
    func has(_ file: RunnerLaunch.File) -> Bool { files[file.hash]?.bytes == file.bytes }

    /// Lets go of files whose size is not the one that a run announces: a machine that lost power keeps names and loses
    /// contents.
    ///
    /// - Parameter inUse: The sizes of files that other runs need; theirs is right.
    /// - Throws: ``WireFault`` when another run says otherwise.
    mutating func check(_ launched: [RunnerLaunch.File], inUse: [String: Int] = [:]) throws(WireFault) {
        for file in launched {
            if let bytes = inUse[file.hash], bytes != file.bytes {
                throw WireFault(
                    code: "malformed",
                    message:
                        "the file \(file.path) (\(file.hash)) has \(file.bytes) bytes here, and \(bytes) in another "
                        + "run: one content has one size")
            }
            guard let known = files[file.hash], known.bytes != file.bytes else { continue }
            if let path = path(file.hash) { unlink(path) }
            files[file.hash] = nil
        }
    }

    /// A run needs a file: it may be uploaded from now on.
    mutating func expect(_ file: RunnerLaunch.File) {
        use(file.hash)
        if files[file.hash] == nil { expected[file.hash] = file.bytes }
    }

    /// Forgets the files that are no longer waited for, with what came of them.
    mutating func expectOnly(_ hashes: Set<String>) {
        expected = expected.filter { hashes.contains($0.key) }
        for (hash, file) in arriving where !hashes.contains(hash) {
            giveUp(hash, file)
            arriving[hash] = nil
        }
    }

    /// Makes room for those of a run's files that are neither here nor expected.
    ///
    /// - Parameters:
    ///   - launched: The run's files; a content that two names share counts once.
    ///   - inUse: Files that other runs need.
    /// - Throws: ``WireFault`` when there is none.
    mutating func makeRoom(for launched: [RunnerLaunch.File], inUse: Set<String>) throws(WireFault) {
        let inUse = inUse.union(launched.map(\.hash))
        let bytes = Dictionary(launched.map { ($0.hash, $0.bytes) }, uniquingKeysWith: max)
            .filter { files[$0.key] == nil && expected[$0.key] == nil }.values.reduce(0, +)
        var total = files.values.reduce(0) { $0 + $1.bytes } + expected.values.reduce(0, +)
        let candidates = files.filter { !inUse.contains($0.key) }.sorted { $0.value.used < $1.value.used }
        for (hash, known) in candidates where total + bytes > limit {
            if let path = path(hash) { unlink(path) }
            files[hash] = nil
            total -= known.bytes
        }
        guard total + bytes <= limit else {
            throw WireFault(
                code: "full",
                message:
                    "the files of this run need \(bytes) bytes, and the master has room for \(max(0, limit - total)) "
                    + "beside those of other runs")
        }
    }

    /// Takes a piece. Pieces come in order; another one than the next is answered by how much is there.
    mutating func upload(_ chunk: FileChunk) throws(WireFault) -> (bytes: Int, complete: Bool) {
        if let known = files[chunk.hash] { return (known.bytes, true) }
        guard let size = expected[chunk.hash] else {
            throw WireFault(code: "unknown-file", message: "no run needs the file \(chunk.hash.prefix(64))")
        }
        var file: Arriving
        if let known = arriving.removeValue(forKey: chunk.hash) { file = known } else { file = try begin(chunk.hash) }
        guard chunk.offset == file.bytes else {
            arriving[chunk.hash] = file
            return (file.bytes, false)
        }
        guard chunk.bytes.count <= FileChunk.limit, file.bytes + chunk.bytes.count <= size else {
            giveUp(chunk.hash, file)
            throw WireFault(
                code: "malformed", message: "the file \(chunk.hash) is longer than the \(size) bytes announced")
        }
        try write(chunk, to: file)
        chunk.bytes.withUnsafeBytes { file.digest.add($0) }
        file.bytes += chunk.bytes.count
        if file.bytes < size {
            arriving[chunk.hash] = file
            return (file.bytes, false)
        }
        guard file.digest.hexadecimal == chunk.hash else {
            giveUp(chunk.hash, file)
            throw WireFault(
                code: "malformed", message: "the file \(chunk.hash) arrived with another content: send it again")
        }
        close(file.descriptor)
        guard let path = path(chunk.hash), rename(path + ".part", path) == 0 else {
            throw WireFault(code: "full", message: "the master cannot keep the file \(chunk.hash): \(Self.reason)")
        }
        expected[chunk.hash] = nil
        files[chunk.hash] = Known(bytes: size, used: 0)
        use(chunk.hash)
        return (size, true)
    }

    /// The size of a file that is there.
    func size(_ hash: String) -> Int? { files[hash]?.bytes }

    /// A piece of a file; nil when it cannot be read.
    mutating func read(_ hash: String, offset: Int, bytes: Int) -> [UInt8]? {
        use(hash)
        guard files[hash] != nil, let path = path(hash) else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var done = 0
        let piece = [UInt8](unsafeUninitializedCapacity: bytes) { buffer, count in
            while done < bytes {
                let got = pread(descriptor, buffer.baseAddress! + done, bytes - done, off_t(offset + done))
                if got > 0 { done += got } else if got == 0 || errno != EINTR { break }
            }
            count = done
        }
        return done == bytes ? piece : nil
    }

    /// Lets go of everything; a temporary directory goes.
    mutating func end() {
        for (hash, file) in arriving { giveUp(hash, file) }
        arriving = [:]
        guard wanted == nil, let directory else { return }
        for hash in files.keys { unlink("\(directory)/\(hash)") }
        rmdir(directory)
        files = [:]
        self.directory = nil
    }

    /// Whether a text is a SHA-256.
    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private mutating func use(_ hash: String) {
        uses += 1
        files[hash]?.used = uses
    }

    private mutating func begin(_ hash: String) throws(WireFault) -> Arriving {
        try prepare()
        guard let path = path(hash) else {
            throw WireFault(code: "full", message: "the master has no directory for files")
        }
        let descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw WireFault(code: "full", message: "the master cannot keep the file \(hash): \(Self.reason)")
        }
        return Arriving(descriptor: descriptor, bytes: 0, digest: SHA256())
    }

    private func write(_ chunk: FileChunk, to file: Arriving) throws(WireFault) {
        let failed = chunk.bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = pwrite(
                    file.descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(file.bytes + done))
                if count > 0 { done += count } else if errno != EINTR { return true }
            }
            return false
        }
        if failed {
            let reason = Self.reason
            giveUp(chunk.hash, file)
            throw WireFault(code: "full", message: "the master cannot keep the file \(chunk.hash): \(reason)")
        }
    }

    private func giveUp(_ hash: String, _ file: Arriving) {
        close(file.descriptor)
        if let path = path(hash) { unlink(path + ".part") }
    }

    private mutating func prepare() throws(WireFault) {
        guard directory == nil else { return }
        if let wanted {
            if mkdir(wanted, 0o700) == 0 || errno == EEXIST { directory = wanted }
        } else {
            let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array("\(base)/loads-files-XXXXXX".utf8CString)
            if let made = mkdtemp(&template) { directory = String(cString: made) }
        }
        guard directory != nil else {
            throw WireFault(code: "full", message: "the master has no directory for files: \(Self.reason)")
        }
    }

    /// Finds what an earlier master has kept, and removes what had not arrived whole.
    private mutating func scan(_ path: String) {
        guard let stream = opendir(path) else { return }
        defer { closedir(stream) }
        directory = path
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".part") { unlink("\(path)/\(name)") }
            var information = stat()
            guard Self.isHash(name), stat("\(path)/\(name)", &information) == 0 else { continue }
            files[name] = Known(bytes: Int(information.st_size), used: 0)
        }
    }

    private func path(_ hash: String) -> String? { directory.map { "\($0)/\(hash)" } }
    private static var reason: String { String(cString: strerror(errno)) }
}
