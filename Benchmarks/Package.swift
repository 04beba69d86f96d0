// swift-tools-version: 6.2
import PackageDescription

// Measurements that are programs of their own: `swift run -c release --package-path Benchmarks NAME`.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "loads", path: "..", traits: [])],
    targets: [
        .target(name: "BenchmarkBatches", dependencies: [.product(name: "LoadsCore", package: "loads")]),
        .executableTarget(
            name: "wire-benchmark",
            dependencies: [
                "BenchmarkBatches",
                .product(name: "LoadsWire", package: "loads"), .product(name: "LoadsCore", package: "loads"),
            ]),
        .executableTarget(
            name: "transport-benchmark",
            dependencies: [
                .product(name: "LoadsEventLoop", package: "loads"), .product(name: "LoadsTransport", package: "loads"),
                .product(name: "LoadsZeroMQ", package: "loads"),
            ]),
        .executableTarget(
            name: "master-benchmark",
            dependencies: [
                "BenchmarkBatches",
                .product(name: "LoadsWire", package: "loads"), .product(name: "LoadsCore", package: "loads"),
                .product(name: "LoadsEventLoop", package: "loads"), .product(name: "LoadsTransport", package: "loads"),
                .product(name: "LoadsZeroMQ", package: "loads"), .product(name: "LoadsClient", package: "loads"),
            ]),
        .executableTarget(
            name: "soak",
            dependencies: [
                .product(name: "LoadsWire", package: "loads"), .product(name: "LoadsCore", package: "loads"),
                .product(name: "LoadsEventLoop", package: "loads"),
            ]),
        .executableTarget(
            name: "iteration-benchmark",
            dependencies: [
                .product(name: "LoadsCore", package: "loads"), .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsEventLoop", package: "loads"),
            ]),
        .executableTarget(
            name: "precision-benchmark",
            dependencies: [
                .product(name: "LoadsCore", package: "loads"), .product(name: "LoadsEventLoop", package: "loads"),
            ]),
        .executableTarget(name: "test-server", dependencies: [.product(name: "LoadsTestServer", package: "loads")]),
    ],
    swiftLanguageModes: [.v6]
)
