extension RunnerLaunch {
    func pack(into packer: Packer) {
        switch program {
        case .builtIn(let name): packer.field("built_in", name)
        case .path(let path): packer.field("path", path)
        }
        packer.key("arguments")
        packer.array(arguments.count)
        for argument in arguments { packer.exact(argument) }
        packer.field("environment") {
            for (key, value) in environment.sorted(by: { $0.key < $1.key }) {
                packer.key(key)
                packer.exact(value)
            }
        }
        if let directory { packer.field("directory", directory) }
        packer.field("dialect", dialect.rawValue)
        packer.field("files", each: files) { file in
            packer.field("path", file.path)
            packer.field("executable", file.executable)
            packer.field("bytes", file.bytes)
            packer.field("hash", file.hash)
        }
        if let platform { packer.field("platform") { platform.pack(into: packer) } }
    }

    init(_ node: Node) throws(WireError) {
        let program: Program
        if let node = try node.optional("built_in") {
            program = .builtIn(try node.text(256))
        } else {
            program = .path(try node.field("path").systemString())
        }
        if case .path("") = program { throw .field("path", "the path or name of a program") }
        self.init(
            program: program, arguments: try node.field("arguments").list(RunnerLaunch.argument),
            dialect: try node.field("dialect").choice(), files: try node.field("files").list(RunnerLaunch.file))
        var environment: [String: String] = [:]
        try node.field("environment").forEachEntry { key, node throws(WireError) in
            guard !key.isEmpty, !key.utf8.contains(0), !key.utf8.contains(UInt8(ascii: "=")) else {
                throw .field("environment", "names without '=' and zero bytes")
            }
            environment[key] = try node.systemString()
        }
        self.environment = environment
        if let node = try node.optional("directory") { directory = try node.systemString() }
        if let node = try node.optional("platform") { platform = try Platform(node) }
    }

    private static func argument(_ node: Node) throws(WireError) -> String { try node.systemString() }

    private static func file(_ node: Node) throws(WireError) -> File {
        File(
            path: try node.field("path").relativePath(), executable: try node.field("executable").bool(),
            bytes: try node.field("bytes").int(), hash: try node.field("hash").hash())
    }
}
