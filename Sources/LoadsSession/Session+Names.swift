extension Session {
    /// How long the addresses of a name are used before the name is asked again; 60 s unless set, 0 asks for every new
    /// connection. One setting, and one cache, for all sessions of the process.
    ///
    /// For one more such time an old answer serves while it is renewed, so that users with warm connections never wait
    /// for a name server. A negative duration counts as 0.
    public static var nameTimeToLive: Duration {
        get { Resolver.shared.timeToLive }
        set { Resolver.shared.timeToLive = newValue }
    }
}
