/// A test case of a JUnit report.
struct JUnitCase {
    /// How it ended.
    enum Result {
        case passed
        /// What was measured is not what was wanted.
        case failed(message: String, details: String)
        /// It could not be found out.
        case error(message: String, details: String)
        case skipped(message: String)
    }

    var name: String
    var result: Result
    /// In seconds.
    var time: Double

    func write(_ xml: inout XMLWriter, suite: String) {
        let attributes = [("name", name), ("classname", suite), ("time", Decimal.text(time, decimals: 3))]
        switch result {
        case .passed: xml.element("testcase", attributes)
        case .failed(let message, let details):
            xml.element("testcase", attributes) {
                $0.element("failure", [("message", message), ("type", "failed")], text: details)
            }
        case .error(let message, let details):
            xml.element("testcase", attributes) {
                $0.element("error", [("message", message), ("type", "error")], text: details)
            }
        case .skipped(let message):
            xml.element("testcase", attributes) { $0.element("skipped", [("message", message)]) }
        }
    }
}
