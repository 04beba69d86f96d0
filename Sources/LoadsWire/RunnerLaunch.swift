/// How an agent starts a runner process.
public struct RunnerLaunch: Sendable, Equatable {
    /// What is started.
    public enum Program: Sendable, Equatable {
        /// A runner that every agent of this make brings along; `url` is the one that calls URLs.
        case builtIn(String)
        /// A program: an absolute path, a path relative to the run's directory if it contains a slash (what was shipped
        /// lies there), or else a name that is looked up in the agent's `PATH`.
        case path(String)
    }

    /// How a runner speaks with its agent (Docs/RunnerProtocol.md).
    public enum Dialect: String, Sendable, CaseIterable {
        /// MessagePack messages on inherited pipes: what Swift runners speak.
        case messages
        /// JSON lines in, hits as JSON lines or MessagePack maps out: what is easy in any language.
        case lines
    }

    /// A file that must be in the run's directory before the program starts.
    public struct File: Sendable, Equatable {
        /// Relative to the run's directory, without `..`.
        public var path: String
        /// Whether it may be executed.
        public var executable: Bool
        /// Its size.
        public var bytes: Int
        /// SHA-256 of the content, 64 lower-case hexadecimal digits: the address under which its chunks are asked for.
        public var hash: String
        /// - Parameters:
        ///   - path: Relative to the run's directory, and inside of it.
        ///   - hash: The SHA-256 of its content, in hexadecimal.
        public init(path: String, executable: Bool, bytes: Int, hash: String) {
            self.path = path
            self.executable = executable
            self.bytes = bytes
            self.hash = hash
        }
    }

    /// What is started.
    public var program: Program
    /// Its arguments, without its name.
    public var arguments: [String]
    /// Added to the agent's own environment.
    public var environment: [String: String]
    /// Where it runs; nil is the run's directory if files are shipped, and the agent's own otherwise.
    public var directory: String?
    /// How it and the agent talk.
    public var dialect: Dialect
    /// What must lie in the run's directory before it starts.
    public var files: [File]
    /// What the shipped program needs: `x86_64` and `glibc 2.36`; nil runs anywhere.
    public var platform: Platform?

    /// A program that needs nothing but itself, unless something else is said.
    public init(
        program: Program, arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil,
        dialect: Dialect = .messages, files: [File] = [], platform: Platform? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.dialect = dialect
        self.files = files
        self.platform = platform
    }

    /// A program of this machine.
    public init(
        executable: String, arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
    ) {
        self.init(
            program: .path(executable), arguments: arguments, environment: environment, directory: directory)
    }
}

/// What machine code runs where.
public struct Platform: Sendable, Equatable {
    /// `linux`.
    public var system: String
    /// `x86_64`, `aarch64`.
    public var architecture: String
    /// `glibc 2.36`.
    public var library: String
    /// - Parameters: `linux`, `x86_64`, `glibc 2.36`.
    public init(system: String, architecture: String, library: String) {
        self.system = system
        self.architecture = architecture
        self.library = library
    }
}
