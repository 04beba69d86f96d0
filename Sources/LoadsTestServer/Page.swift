/// What the demo's blog shows.
enum Page {
    /// About one KiB of HTML that contains "Tarek".
    static let blog = """
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>Blog</title></head>
        <body>
        <h1>Notes on load testing</h1>
        <article>
        <h2>Measure what your users wait for</h2>
        <p class="author">by Tarek</p>
        <p>An average hides the visitor who left. Look at the slowest of a hundred answers, then at the slowest of a
        thousand: a page that needs ten requests shows somebody the slow one every time it is opened.</p>
        <p>Run the tests you already have. They know which pages matter, in which order people open them, and what a
        right answer looks like; a list of addresses knows none of that.</p>
        <p>And watch the tool as closely as the server. A generator that is late, or that waits politely while the
        server stalls, reports numbers that nobody has ever seen in a browser.</p>
        </article>
        <p>Then change one thing and run it again. Two runs that differ tell more than any number by itself: this page,
        for one, answers in less than a millisecond, and now you can tell when it no longer does.</p>
        <footer><a href="/login">Sign in</a> to comment.</footer>
        </body>
        </html>

        """

    /// "Zstandard shrinks what repeats. " three times and a line end, compressed with zstd.
    static let zstandard: [UInt8] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x4d, 0x01, 0x00, 0x14, 0x02, 0x5a, 0x73, 0x74, 0x61, 0x6e, 0x64, 0x61,
        0x72, 0x64, 0x20, 0x73, 0x68, 0x72, 0x69, 0x6e, 0x6b, 0x73, 0x20, 0x77, 0x68, 0x61, 0x74, 0x20, 0x72, 0x65,
        0x70, 0x65, 0x61, 0x74, 0x73, 0x2e, 0x20, 0x0a, 0x01, 0x00, 0xe0, 0x90, 0xd4, 0x13, 0x49, 0x80, 0x1a, 0x0e,
    ]
}
