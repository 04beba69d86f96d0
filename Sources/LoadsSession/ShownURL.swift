/// A URL where others read it: in names, messages and reports.
package enum ShownURL {
    /// The URL with `***` in place of its password; any text without one as it is.
    package static func text(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return url
        }
        return "\(url[...colon])***\(url[at...])"
    }
}
