/// What the web site's `/login` answers.
struct Token: Decodable {
    var token: String
}
