// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Built both ways by a test: with Loads its output must be the same as without.
let withLoads = ProcessInfo.processInfo.environment["KINDS_WITHOUT_LOADS"] == nil

let package = Package(
    name: "Kinds",
    dependencies: withLoads ? [.package(name: "loads", path: "../../..", traits: [])] : [],
    targets: [
        .testTarget(
            name: "KindsTests",
            dependencies: withLoads ? [.product(name: "LoadsTesting", package: "loads")] : [])
    ]
)
