import LoadsCore

/// A run that ends before it starts: the exit code, and what to tell the user.
struct Refusal: Error {
    var status: Int32
    var message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status.rawValue
        self.message = message
    }

    init(code: Int, message: String) {
        status = Int32(clamping: code)
        self.message = message
    }
}
