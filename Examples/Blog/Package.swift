// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Blog",
    dependencies: [
        .package(name: "loads", path: "../..", traits: [])
    ],
    targets: [
        .testTarget(
            name: "BlogTests",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsTesting", package: "loads"),
            ])
    ]
)
