import LoadsEventLoop
import Testing

@testable import LoadsMaster

@Suite struct LeadTests {
    /// What agents are promised in WireProtocol.md, and that a change does not take for ever.
    @Test func theDefaultsKeepWhatThePagePromises() {
        let settings = MasterSettings()
        let (start, adjustment) = (Lead(promised: settings.startLead), Lead(promised: settings.adjustLead))
        #expect(start.promised >= .milliseconds(500) && adjustment.promised >= .seconds(1))
        #expect(start.whole == .milliseconds(750) && adjustment.whole == .milliseconds(1_500))
    }

    @Test(arguments: [(-1, false), (0, false), (499, false), (500, true), (750, true)])
    func agentsAreToldWhileWhatIsPromisedIsLeft(_ ahead: Int, _ isKept: Bool) {
        let lead = Lead(promised: .milliseconds(500))
        #expect(lead.isKept(.milliseconds(ahead)) == isKept)
    }

    @Test func theMarginGrowsAndIsBounded() {
        var lead = Lead(promised: .milliseconds(500))
        lead.lengthen()
        #expect(lead.whole == .milliseconds(1_000) && lead.promised == .milliseconds(500))
        for _ in 0..<20 { lead.lengthen() }
        #expect(lead.margin == .seconds(60))
    }

    @Test func aShortLeadHasTimeToBeStoredAllTheSame() {
        #expect(Lead(promised: .milliseconds(20)).whole == .milliseconds(120))
    }

    /// For a master and its agent in one process.
    @Test func nothingPromisedIsKeptWheneverItIs() {
        let lead = Lead(promised: .zero)
        #expect(lead.whole == .zero && lead.isKept(.seconds(-5)))
    }
}
