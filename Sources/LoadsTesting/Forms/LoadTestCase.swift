public import XCTest
open class LoadTestCase: XCTestCase {}
