public import Testing
public struct LoadTrait: TestTrait, SuiteTrait {}
