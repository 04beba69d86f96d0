extension Chart {
    /// The chart as a figure: its title, its legend, and a picture that grows with the page.
    func write(_ html: inout HTMLWriter) {
        html.element("figure", ["class": "chart"]) { html in
            html.element("figcaption") { html in
                html.element("strong", text: title)
                html.element("span", ["class": "legend"]) { html in
                    if lines.count > 1 { for line in lines { line.writeLegend(&html) } }
                }
            }
            html.newline()
            html.element(
                "svg",
                [
                    "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(Self.width) \(Self.height)",
                    "role": "img", "aria-labelledby": "\(id)-title \(id)-desc", "font-family": "sans-serif",
                    "font-size": "12",
                ]
            ) { html in
                html.element("title", ["id": "\(id)-title"], text: title)
                html.element("desc", ["id": "\(id)-desc"], text: summary)
                writePicture(&html)
            }
        }
        html.newline()
    }

    private static let width = 480
    private static let height = 250
    private static let top = 29.0
    private static let bottom = 208.0
    private static let right = 466.0

    /// Where the vertical axis stands: its labels need their room, also in the larger letters of small screens.
    private var left: Double { 12 + 8.2 * Double(y.ticks.map(\.label.count).max() ?? 0) }

    private func column(_ value: Double) -> Double { left + x.share(value) * (Self.right - left) }
    private func row(_ value: Double) -> Double { Self.bottom - y.share(value) * (Self.bottom - Self.top) }

    private func writePicture(_ html: inout HTMLWriter) {
        if let setApart {
            let width = column(setApart) - left
            html.element(
                "rect",
                [
                    "class": "apart", "x": number(left), "y": number(Self.top), "width": number(width),
                    "height": number(Self.bottom - Self.top), "fill": "#8884", "fill-opacity": "0.3",
                ]
            ) { _ in }
            if width > 60 { text("warm-up", at: left + 5, Self.top + 14, anchor: "start", &html) }
        }
        for tick in y.ticks {
            let row = row(tick.value)
            line("grid", left, row, Self.right, row, &html)
            text(tick.label, at: left - 7, row + 4, anchor: "end", &html)
        }
        text(y.title, at: 0, 12, anchor: "start", &html)
        line("axis", left, Self.bottom, Self.right, Self.bottom, &html)
        for tick in labelled {
            let column = column(tick.value)
            line("axis", column, Self.bottom, column, Self.bottom + 4, &html)
            text(tick.label, at: column, Self.bottom + 18, anchor: "middle", &html)
        }
        text(x.title, at: Self.right, Self.bottom + 38, anchor: "end", &html)
        for line in lines { write(line, &html) }
        for note in notes { write(note, &html) }
    }

    /// Marks of the horizontal axis whose labels do not touch one another, the first one's first.
    private var labelled: [ChartAxis.Tick] {
        var end = -Double.infinity
        return x.ticks.filter { tick in
            let half = 4.2 * Double(tick.label.count)
            guard column(tick.value) - half > end + 6 else { return false }
            end = column(tick.value) + half
            return true
        }
    }

    private func write(_ line: Line, _ html: inout HTMLWriter) {
        for piece in line.pieces {
            if let only = piece.first, piece.count == 1 {
                html.element(
                    "circle",
                    [
                        "class": "dot \(line.ink.name)", "cx": number(column(only.x)), "cy": number(row(only.y)),
                        "r": "2.5", "fill": line.ink.color,
                    ]
                ) { _ in }
                continue
            }
            var path = ""
            for (index, point) in piece.enumerated() {
                let (column, row) = (number(column(point.x)), number(row(point.y)))
                if index == 0 {
                    path = "M\(column) \(row)"
                } else {
                    path += line.isStepped ? "H\(column)V\(row)" : "L\(column) \(row)"
                }
            }
            html.element(
                "path",
                [
                    "class": "line \(line.ink.name)", "d": path, "fill": "none", "stroke": line.ink.color,
                    "stroke-width": "1.8", "stroke-dasharray": line.ink.dashes, "stroke-linejoin": "round",
                ]
            ) { _ in }
        }
    }

    private func write(_ note: Note, _ html: inout HTMLWriter) {
        let (from, to) = (column(note.from), column(note.to))
        html.element(
            "rect",
            [
                "class": "note", "x": number(from), "y": number(Self.top), "width": number(to - from),
                "height": number(Self.bottom - Self.top), "fill": "#888", "fill-opacity": "0",
            ]
        ) { $0.element("title", text: note.text) }
    }

    private func text(_ text: String, at x: Double, _ y: Double, anchor: String, _ html: inout HTMLWriter) {
        html.element(
            "text", ["x": number(x), "y": number(y), "text-anchor": anchor, "fill": "#777"], text: text)
    }

    private func line(
        _ name: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ html: inout HTMLWriter
    ) {
        html.element(
            "line",
            [
                "class": name, "x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2),
                "stroke": "#8888",
            ]
        ) { _ in }
    }

    /// A coordinate: a tenth of a unit is less than a pixel.
    private func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths.isMultiple(of: 10) ? "\(tenths / 10)" : Figures.fixed(value, 1)
    }
}

extension Chart.Line {
    /// The line where it is interrupted.
    fileprivate var pieces: [[(x: Double, y: Double)]] {
        var pieces: [[(x: Double, y: Double)]] = [[]]
        for point in points {
            if let value = point.y {
                pieces[pieces.count - 1].append((point.x, value))
            } else if pieces.last?.isEmpty == false {
                pieces.append([])
            }
        }
        return pieces.filter { !$0.isEmpty }
    }

    /// A piece of the line and its name.
    fileprivate func writeLegend(_ html: inout HTMLWriter) {
        html.element("span", ["class": "key"]) { html in
            html.element(
                "svg",
                [
                    "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 26 8", "width": "26", "height": "8",
                    "aria-hidden": "true",
                ]
            ) { html in
                html.element(
                    "path",
                    [
                        "class": "line \(ink.name)", "d": "M0 4H26", "fill": "none", "stroke": ink.color,
                        "stroke-width": "2.5", "stroke-dasharray": ink.dashes,
                    ]
                ) { _ in }
            }
            html.write(name)
        }
    }
}
