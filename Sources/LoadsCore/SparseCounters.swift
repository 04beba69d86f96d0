/// Counters by index, of which few are used: the store of a ``Histogram``.
///
/// Pages of 16 counters appear when one of them is first used. A counter is a byte; multiples of 256 go to a second tier
/// whose pages appear when a counter first overflows. So a histogram of a thousand values stays in a few kilobytes, and
/// one of a million values costs 9 bytes for each counter of its busy pages.
struct SparseCounters: Sendable {
    /// The page that `table` starts with.
    private var firstPage = 0
    /// For each page from `firstPage` on, one more than its place; 0 where nothing was counted.
    private var table: [UInt16] = []
    private var low: [UInt8] = []
    /// For each place, one more than its place in `high`; as long as the last place that needed it.
    private var highPlaces: [UInt16] = []
    private var high: [UInt64] = []

    private static let pageBits = 4
    private static let pageSize = 1 << pageBits

    mutating func add(_ amount: UInt64, at index: Int) {
        var page = Page()
        add(amount, at: index, &page)
    }

    /// Where the counter before was: the next one often is in the same page.
    struct Page {
        fileprivate var number = -1
        fileprivate var place = 0
    }

    @inline(__always) mutating func add(_ amount: UInt64, at index: Int, _ page: inout Page) {
        let number = index >> Self.pageBits
        if number != page.number { page = Page(number: number, place: place(ofPage: number)) }
        add(amount, place: page.place, index & (Self.pageSize - 1))
    }

    mutating func merge(_ other: SparseCounters) {
        var page = Page()
        other.walk { index, amount in
            add(amount, at: index, &page)
            return true
        }
    }

    /// Calls a closure for each counter that is not 0, in ascending order, until it returns false.
    @inline(__always) func walk(_ body: (_ index: Int, _ amount: UInt64) -> Bool) {
        low.withUnsafeBytes { low in
            for entry in table.indices where table[entry] != 0 {
                let place = Int(table[entry]) - 1
                let first = (firstPage + entry) << Self.pageBits
                if place < highPlaces.count, highPlaces[place] != 0 {
                    for offset in 0..<Self.pageSize {
                        let amount = amount(place, offset)
                        if amount != 0, !body(first + offset, amount) { return }
                    }
                    continue
                }
                // Most counters of a page are 0: eight of them are passed over at once.
                for half in 0...1 {
                    var word = UInt64(
                        littleEndian: low.loadUnaligned(
                            fromByteOffset: place << Self.pageBits + half * 8, as: UInt64.self))
                    while word != 0 {
                        let offset = word.trailingZeroBitCount >> 3
                        let shift = UInt64(offset << 3)
                        if !body(first + half * 8 + offset, word >> shift & 0xff) { return }
                        word &= ~(0xff << shift)
                    }
                }
            }
        }
    }

    /// Bytes on the heap, headers of the arrays included.
    var byteCount: Int {
        func size(_ capacity: Int, _ width: Int) -> Int { capacity == 0 ? 0 : 32 + capacity * width }
        return size(table.capacity, 2) + size(low.capacity, 1) + size(highPlaces.capacity, 2) + size(high.capacity, 8)
    }

    @inline(__always) private func amount(_ place: Int, _ offset: Int) -> UInt64 {
        let small = UInt64(low[place << Self.pageBits + offset])
        guard place < highPlaces.count, highPlaces[place] != 0 else { return small }
        return small + high[(Int(highPlaces[place]) - 1) << Self.pageBits + offset] << 8
    }

    @inline(__always) private mutating func add(_ amount: UInt64, place: Int, _ offset: Int) {
        let counter = place << Self.pageBits + offset
        let sum = UInt64(low[counter]) + amount
        low[counter] = UInt8(truncatingIfNeeded: sum)
        if sum > 255 { carry(sum >> 8, place, offset) }
    }

    private mutating func carry(_ amount: UInt64, _ place: Int, _ offset: Int) {
        if place >= highPlaces.count {
            highPlaces.append(contentsOf: repeatElement(0, count: place + 1 - highPlaces.count))
        }
        if highPlaces[place] == 0 {
            highPlaces[place] = UInt16(high.count >> Self.pageBits + 1)
            high.append(contentsOf: repeatElement(0, count: Self.pageSize))
        }
        high[(Int(highPlaces[place]) - 1) << Self.pageBits + offset] += amount
    }

    @inline(__always) private mutating func place(ofPage page: Int) -> Int {
        let entry = page - firstPage
        if entry >= 0, entry < table.count, table[entry] != 0 { return Int(table[entry]) - 1 }
        return addPage(page)
    }

    private mutating func addPage(_ page: Int) -> Int {
        if table.isEmpty { firstPage = page }
        if page < firstPage {
            // Some room in front: values near the smallest one come in any order.
            let count = Swift.min(page, 8) + firstPage - page
            table.insert(contentsOf: repeatElement(0, count: count), at: 0)
            firstPage -= count
        }
        let entry = page - firstPage
        if entry >= table.count { table.append(contentsOf: repeatElement(0, count: entry + 1 - table.count)) }
        let place = low.count >> Self.pageBits
        // Doubling for ever would leave a third of the memory of thousands of histograms unused.
        if low.count + Self.pageSize > low.capacity {
            low.reserveCapacity(low.count + (low.count < 1024 ? max(64, low.count) : low.count / 4))
        }
        low.append(contentsOf: repeatElement(0, count: Self.pageSize))
        table[entry] = UInt16(place + 1)
        return place
    }
}
