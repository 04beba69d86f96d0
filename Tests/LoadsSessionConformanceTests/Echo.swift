/// What httpbin says it received.
struct Echo: Decodable {
    var args: [String: String]?
    var headers: [String: String]
    var data: String?
    var form: [String: String]?
    var files: [String: String]?
    var method: String?
    var url: String
}
