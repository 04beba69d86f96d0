import Glibc

/// A file that a run writes, opened before the run so that an unwritable one costs nobody an hour.
///
/// What it held before is kept until the run begins.
struct OutputFile: Sendable {
    let path: String
    let descriptor: Int32
    private let isNew: Bool

    /// - Parameter option: The option that named it, for the complaint.
    /// - Throws: ``UsageError`` when it cannot be written.
    init(path: String, option: String) throws(UsageError) {
        self.path = path
        if path == "-" {
            descriptor = 1
            isNew = false
            return
        }
        isNew = access(path, F_OK) != 0
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        if descriptor < 0 {
            throw UsageError(["\(option) \(path): cannot be written: \(String(cString: strerror(errno)))"])
        }
    }

    /// Whether both write over each other: two paths may lead to one file.
    func isSameFile(as other: OutputFile) -> Bool {
        var (mine, theirs) = (stat(), stat())
        guard fstat(descriptor, &mine) == 0, fstat(other.descriptor, &theirs) == 0 else { return false }
        // Pipes and devices take what both say, one after the other.
        guard mine.st_mode & S_IFMT == S_IFREG else { return false }
        return mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino
    }

    /// Empties the file: the run begins.
    func begin() {
        // Pipes and devices cannot be emptied and need not be.
        if path != "-" { ftruncate(descriptor, 0) }
    }

    /// Takes a file away that was made for a run which never began.
    func discard() {
        if isNew { unlink(path) }
        finish()
    }

    func finish() {
        if path != "-" { close(descriptor) }
    }

    /// Writes everything.
    ///
    /// - Returns: What went wrong, in the system's words; nil when nothing did.
    func write(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count == 0 || errno != EINTR {
                    return String(cString: strerror(errno))
                }
            }
            return nil
        }
    }
}
