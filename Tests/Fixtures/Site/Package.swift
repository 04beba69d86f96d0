// swift-tools-version: 6.2
import PackageDescription

// What the whole-program tests run: tests that redirect, block or take their time.
let package = Package(
    name: "Site",
    dependencies: [.package(name: "loads", path: "../../..", traits: [])],
    targets: [
        .testTarget(
            name: "SiteTests",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsTesting", package: "loads"),
            ])
    ]
)
