// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Embedding",
    dependencies: [
        .package(name: "loads", path: "../..", traits: [])
    ],
    targets: [
        .executableTarget(
            name: "embedding",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsCore", package: "loads"),
                .product(name: "LoadsEventLoop", package: "loads"),
                .product(name: "LoadsWire", package: "loads"),
                .product(name: "LoadsRunner", package: "loads"),
                .product(name: "LoadsTransport", package: "loads"),
                .product(name: "LoadsAgent", package: "loads"),
                .product(name: "LoadsMaster", package: "loads"),
                .product(name: "LoadsReport", package: "loads"),
            ]),
        .testTarget(
            name: "EmbeddingTests",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsTestServer", package: "loads"),
            ]),
    ]
)
