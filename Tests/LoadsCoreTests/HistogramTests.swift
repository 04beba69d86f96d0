import Testing

@testable import LoadsCore
