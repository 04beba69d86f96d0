import Foundation
import Glibc
public import LoadsWire

/// What a program needs on another machine: itself, its libraries, its resources, and what the user adds.
public struct Shipment: Sendable {
    /// The files, as the agents are told of them.
    public private(set) var files: [RunnerLaunch.File] = []
    /// Where each file is on this machine, by hash.
    public private(set) var paths: [String: String] = [:]

    /// Nothing yet.
    public init() {}

    /// Adds a file under a path relative to the run's directory. A second one under the same path is passed over.
    ///
    /// - Throws: Exit code 69 when it cannot be read.
    public mutating func add(_ path: String, as name: String) throws(PackageError) {
        guard !files.contains(where: { $0.path == name }) else { return }
        let (hash, bytes) = try Self.digest(path)
        files.append(RunnerLaunch.File(path: name, executable: access(path, X_OK) == 0, bytes: bytes, hash: hash))
        paths[hash] = path
    }

    /// Adds a file or a whole folder under its path relative to `root`; one from outside under its last component.
    ///
    /// - Parameters:
    ///   - base: What a relative path is relative to.
    ///   - root: `base` unless it is said.
    /// - Returns: That last component, for one from outside.
    /// - Throws: Exit code 69 when it is not there or cannot be read, 64 when another one from outside has that name.
    @discardableResult
    public mutating func add(
        including path: String, base: String, root: String? = nil
    ) throws(PackageError) -> String? {
        let file = URL(filePath: path, relativeTo: URL(filePath: base, directoryHint: .isDirectory)).standardizedFileURL
        let root = URL(filePath: root ?? base).standardizedFileURL.path + "/"
        let isInside = file.path.hasPrefix(root)
        let name = isInside ? String(file.path.dropFirst(root.count)) : file.lastPathComponent
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder) else {
            throw PackageError(exitCode: 64, message: "--include \(path): there is no such file or folder")
        }
        if !isInside, clashes(name, with: file.path) {
            throw PackageError(
                exitCode: 64,
                message:
                    "\(path), which is to be shipped to the agents, would lie there as \(name), as another one does: "
                    + "rename one, or run from a folder above both")
        }
        guard isFolder.boolValue else {
            try add(file.path, as: name)
            return isInside ? nil : name
        }
        for inner in (FileManager.default.subpaths(atPath: file.path) ?? []).sorted() {
            let whole = file.path + "/" + inner
            if FileManager.default.fileExists(atPath: whole, isDirectory: &isFolder), !isFolder.boolValue {
                try add(whole, as: name + "/" + inner)
            }
        }
        return isInside ? nil : name
    }

    /// Whether something of another place lies under a name already.
    private func clashes(_ name: String, with place: String) -> Bool {
        files.contains { other in
            guard other.path == name || other.path.hasPrefix(name + "/"), let path = paths[other.hash] else {
                return false
            }
            return path != place && !path.hasPrefix(place + "/")
        }
    }

    /// Adds a program and the libraries it is linked against, but for the C library's own, which belong to a system.
    ///
    /// The resource bundles beside it (`…​.resources`) come along, too.
    public mutating func add(program path: String) async throws(PackageError) {
        try add(path, as: URL(filePath: path).lastPathComponent)
        for (name, library) in try await Self.libraries(of: path) { try add(library, as: name) }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            if name.hasSuffix(".resources") || name.hasSuffix(".bundle") { try add(including: name, base: folder) }
        }
    }

    // MARK: Libraries

    /// By the name under which the program looks for each.
    private static func libraries(of path: String) async throws(PackageError) -> [(String, String)] {
        let output = Lines()
        let code: Int
        do {
            code = try await Command(arguments: ["/usr/bin/env", "ldd", path], mergesErrors: true)
                .run { output.append($0) }
        } catch {
            throw PackageError(exitCode: 69, message: error.reason)
        }
        guard code == 0 else {
            throw PackageError(
                exitCode: 69,
                message: "ldd \(path) failed, so its libraries are not known: \(output.all.joined(separator: "; "))")
        }
        return try libraries(inOutput: output.all)
    }

    /// Reads what ldd says: `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)`.
    static func libraries(inOutput lines: [String]) throws(PackageError) -> [(String, String)] {
        var found: [(String, String)] = []
        for line in lines {
            let parts = line.split(separator: "=>").map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2 else { continue }
            let name = parts[0].split(separator: "/").last.map(String.init) ?? parts[0]
            if systemLibraries.contains(where: { name.hasPrefix($0 + ".so") }) { continue }
            guard let place = parts[1].split(separator: " ").first, place.hasPrefix("/") else {
                throw PackageError(exitCode: 69, message: "the library \(name) is not found on this machine")
            }
            found.append((name, String(place)))
        }
        return found
    }

    /// The parts of glibc: they must fit to each other and to the system's loader.
    private static let systemLibraries = [
        "ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libpthread", "libdl", "librt", "libresolv", "libutil",
        "libanl", "libnsl", "libnss_files", "libnss_dns", "libmvec", "linux-vdso",
    ]

    private static func digest(_ path: String) throws(PackageError) -> (hash: String, bytes: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PackageError(
                exitCode: 69,
                message: "\(path), which is to be shipped to the agents, cannot be read: "
                    + String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var hash = SHA256()
        var total = 0
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { space.deallocate() }
        while true {
            let count = read(descriptor, space.baseAddress, space.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw PackageError(
                    exitCode: 69, message: "\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return (hash.hexadecimal, total) }
            hash.add(UnsafeRawBufferPointer(rebasing: space[..<count]))
            total += count
        }
    }
}
