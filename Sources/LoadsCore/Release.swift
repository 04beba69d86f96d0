/// The release that this is.
public enum Release {
    /// As `--version` prints it, and as the programs tell each other.
    public static let version = "0.1.0"
}
