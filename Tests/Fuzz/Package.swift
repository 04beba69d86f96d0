// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets: each is an executable that defines `LLVMFuzzerTestOneInput`. Built and run by `Tests/Fuzz/run`, which
// adds the sanitizer to every module; not a part of the ordinary build.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "loads", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "WireFuzzer",
            dependencies: [.product(name: "LoadsWire", package: "loads"), .product(name: "LoadsCore", package: "loads")])
    ],
    swiftLanguageModes: [.v6]
)
