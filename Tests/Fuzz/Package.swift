// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets: each is an executable with a function that takes bytes, handed to libFuzzer (see WireFuzzer/Driver.swift).
// Built and run by `Tests/Fuzz/run`, which adds the sanitizer to every module; not a part of the ordinary build.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "loads", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "WireFuzzer",
            dependencies: [
                .product(name: "LoadsWire", package: "loads"), .product(name: "LoadsCore", package: "loads"),
            ]),
        .executableTarget(
            name: "HTTPFuzzer",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"), .product(name: "LoadsTestServer", package: "loads"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
