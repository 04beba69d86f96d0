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

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
        isNew = true
    }

    /// A file beside this one that may take its place with ``replace(_:)``, or goes with ``discard()``; nil where that cannot
    /// be: for a pipe or a device, or in a folder that takes no file.
    func successor() -> OutputFile? {
        var information = stat()
        guard path != "-", fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            // A link keeps leading to it.
            let real = realpath(path, nil)
        else { return nil }
        defer { free(real) }
        let name = "\(String(cString: real)).\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
        let made = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard made >= 0 else { return nil }
        fchmod(made, information.st_mode & 0o777)
        return OutputFile(path: name, descriptor: made)
    }

    /// Takes the place of the file that it was made beside.
    ///
    /// - Returns: What went wrong, in the system's words; nil when nothing did.
    func replace(_ other: OutputFile) -> String? {
        guard let real = realpath(other.path, nil) else { return String(cString: strerror(errno)) }
        defer { free(real) }
        return rename(path, real) == 0 ? nil : String(cString: strerror(errno))
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
