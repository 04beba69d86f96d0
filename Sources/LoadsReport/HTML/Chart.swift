/// Lines over an axis, as they are drawn: numbers and words alone. Pure.
struct Chart {
    /// How a line looks; each of a chart has another one. They differ in their dashes, too, for those who see no colours and on paper.
    enum Ink: Int {
        case first, second, third
        /// What went wrong.
        case bad

        /// The class of the style sheet.
        var name: String { "ink\(rawValue)" }
        /// For readers without the style sheet, light enough for a dark page and dark enough for a light one.
        var color: String { ["#0072b2", "#009e73", "#d55e00", "#d55e00"][rawValue] }
        var dashes: String { ["none", "7 3", "2 2.5", "none"][rawValue] }
    }

    struct Line {
        var name: String
        var ink: Ink
        /// From left to right; a point without a value interrupts the line.
        var points: [(x: Double, y: Double?)]
        /// Whether a value stands until the next one.
        var isStepped = false
    }

    /// What is told of a place when somebody points at it.
    struct Note {
        var from: Double
        var to: Double
        var text: String
    }

    /// One word, unique in the page.
    var id: String
    var title: String
    /// What the lines show, in a sentence, for those who do not see them.
    var summary: String
    var x: ChartAxis
    var y: ChartAxis
    var lines: [Line]
    /// A part at the left that is set apart, to this value of the axis: the warm-up.
    var setApart: Double?
    /// Few; of many none could be pointed at.
    var notes: [Note] = []

    /// Notes at most.
    static let noteLimit = 200
}
