import Glibc
import LoadsReport
import Synchronization

/// Standard output and standard error, where a progress bar and lines may have to share the last line.
final class Console: Sendable {
    /// Where what was asked for goes: the summary. Standard error when standard output carries a stream.
    let results: Int32
    /// Whether progress is shown at all.
    private let quiet: Bool
    private let color: Bool?
    private let isTerminal = isatty(2) == 1
    private let barIsShown = Mutex(false)

    /// - Parameter color: Whether to colour; nil decides by the terminal and `NO_COLOR`.
    init(quiet: Bool = false, color: Bool? = nil, results: Int32 = 1) {
        self.quiet = quiet
        self.color = color
        self.results = results
    }

    /// Whether there is a terminal on which a bar can be redrawn.
    var hasBar: Bool { isTerminal && !quiet }
    var showsProgress: Bool { !quiet }

    /// How to write for a descriptor.
    func style(_ descriptor: Int32) -> Style {
        let terminal = isatty(descriptor) == 1
        // https://no-color.org: set and not empty.
        let refused = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        return Style(colors: color ?? (terminal && !refused), width: terminal ? Self.width(descriptor) : nil)
    }

    /// Redraws the bar.
    func bar(_ text: (Style) -> String) {
        let line = text(style(2))
        barIsShown.withLock { shown in
            shown = true
            write("\r\u{1b}[2K" + line, to: 2)
        }
    }

    /// Takes the bar away.
    func clearBar() {
        barIsShown.withLock { shown in
            if shown { write("\r\u{1b}[2K", to: 2) }
            shown = false
        }
    }

    /// Writes a line to standard error, above the bar.
    func note(_ line: String) {
        barIsShown.withLock { shown in
            write((shown ? "\r\u{1b}[2K" : "") + line + "\n", to: 2)
            shown = false
        }
    }

    /// Writes a line of progress, unless nobody wants it.
    func progress(_ line: String) {
        if !quiet { note(line) }
    }

    /// Writes results.
    func write(_ text: String) {
        clearBar()
        write(text, to: results)
    }

    private func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, -1)
                } else if count == 0 || errno != EINTR {
                    // Nobody reads any more, and there is nobody to tell.
                    return
                }
            }
        }
    }

    private static func width(_ descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
