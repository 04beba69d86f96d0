// swift-tools-version: 6.2
import Foundation
import PackageDescription

// A package with unsafe flags cannot be depended upon, so CI turns warnings into errors through a setting.
let strict = ProcessInfo.processInfo.environment["LOADS_WARNINGS_AS_ERRORS"] != nil

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// What only the `loads` command and the servers need. A test package says `traits: []` and resolves none of it.
let tools = TargetDependencyCondition.when(traits: ["Tools"])

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let libraries = [
    "LoadsEventLoop", "LoadsCore", "LoadsSession", "LoadsRunner", "LoadsURLRunner", "LoadsTesting", "LoadsWire",
    "LoadsTransport", "LoadsZeroMQ", "LoadsMaster", "LoadsStore", "LoadsAgent", "LoadsClient", "LoadsTestServer",
    "LoadsReport", "LoadsExport", "LoadsPackage", "LoadsConformance", "LoadsService",
]

let package = Package(
    name: "loads",
    products: libraries.map { .library(name: $0, targets: [$0]) } + [
        .executable(name: "loads", targets: ["loads-cli"]),
        .executable(name: "loads-agent", targets: ["loads-agent"]),
        .executable(name: "loads-master", targets: ["loads-master"]),
    ],
    traits: [
        .trait(name: "Tools", description: "The loads command: argument parsing and configuration files."),
        .default(enabledTraits: ["Tools"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .target(name: "CLinux"),
        .target(name: "CSHA256"),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CMsgPack", providers: [.apt(["libmsgpack-dev"])]),
        // Without `pkgConfig`: where libzmq is missing it would warn everybody who depends on Loads, though only who
        // uses LoadsZeroMQ needs it.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),

        library("LoadsEventLoop", ["CLinux"]),
        library("LoadsCore", ["LoadsEventLoop"]),
        library(
            "LoadsSession",
            [
                "LoadsCore", "LoadsEventLoop", "CCurl", "CLinux", "CZlib", "CBrotli", "CZstd",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        library("LoadsWire", ["LoadsCore", "LoadsEventLoop", "CMsgPack", "CSHA256"]),
        library("LoadsRunner", ["LoadsCore", "LoadsWire", "LoadsEventLoop", "CLinux"]),
        library(
            "LoadsURLRunner",
            [
                "LoadsCore", "LoadsSession", "LoadsWire", "LoadsRunner", "CLinux",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        .target(name: "CTesting"),
        library(
            "LoadsTesting", ["LoadsCore", "LoadsSession", "LoadsWire", "LoadsRunner", "LoadsEventLoop", "CTesting"]),
        library("LoadsTransport", ["LoadsEventLoop"]),
        library("LoadsZeroMQ", ["LoadsTransport", "LoadsWire", "LoadsEventLoop", "CZeroMQ"]),
        library("LoadsMaster", ["LoadsCore", "LoadsEventLoop", "LoadsWire", "LoadsTransport", "CLinux"]),
        library("LoadsAgent", ["LoadsCore", "LoadsWire", "LoadsTransport", "LoadsEventLoop", "CLinux", "CZlib"]),
        library("LoadsClient", ["LoadsCore", "LoadsWire", "LoadsTransport", "LoadsEventLoop"]),
        // What the executables that serve have in common.
        library(
            "LoadsService",
            [
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
                .product(name: "Logging", package: "swift-log", condition: tools),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: tools),
                .product(name: "UnixSignals", package: "swift-service-lifecycle", condition: tools),
            ]),
        .executableTarget(
            name: "loads-agent",
            dependencies: [
                "LoadsAgent", "LoadsCore", "LoadsEventLoop", "LoadsService", "LoadsTransport", "LoadsURLRunner",
                .target(name: "LoadsZeroMQ", condition: tools),
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
                .product(name: "Logging", package: "swift-log", condition: tools),
            ],
            swiftSettings: settings),
        library(
            "LoadsStore",
            [
                "LoadsMaster", "LoadsCore", "LoadsEventLoop", "LoadsWire", "LoadsReport",
                .product(name: "GRDB", package: "GRDB.swift", condition: tools),
            ]),
        .executableTarget(
            name: "loads-master",
            dependencies: [
                "LoadsMaster", "LoadsCore", "LoadsEventLoop", "LoadsService", "LoadsTransport",
                .target(name: "LoadsStore", condition: tools),
                .target(name: "LoadsZeroMQ", condition: tools),
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
                .product(name: "Logging", package: "swift-log", condition: tools),
            ],
            swiftSettings: settings),
        library("LoadsTestServer", ["LoadsEventLoop", "CLinux"]),
        library("LoadsReport", ["LoadsCore", "LoadsEventLoop", "CZlib"]),
        library(
            "LoadsExport",
            [
                "LoadsCore", "LoadsReport", "LoadsSession", "LoadsEventLoop", "CLinux",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        library("LoadsPackage", ["LoadsWire", "CLinux"]),
        library(
            "LoadsConformance",
            ["LoadsCore", "LoadsWire", "LoadsTransport", "LoadsZeroMQ", "LoadsEventLoop", "CLinux"]),
        .executableTarget(
            name: "loads-cli",
            dependencies: [
                "LoadsCore", "LoadsEventLoop", "LoadsRunner", "LoadsURLRunner", "LoadsWire", "LoadsTransport",
                "LoadsMaster", "LoadsAgent", "LoadsClient", "LoadsTestServer", "LoadsReport", "LoadsExport",
                "LoadsPackage", "CLinux",
                .target(name: "LoadsConformance", condition: tools),
                .target(name: "LoadsZeroMQ", condition: tools),
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
                .product(name: "Yams", package: "Yams", condition: tools),
            ],
            swiftSettings: settings),

        .target(name: "TestSupport", dependencies: ["CLinux"], path: "Tests/TestSupport", swiftSettings: settings),
        tests("TestSupportTests", ["TestSupport"]),
        tests("LoadsTestServerTests", ["LoadsTestServer", "TestSupport"]),
        tests(
            "LoadsSessionConformanceTests",
            [
                "LoadsSession", "LoadsTestServer", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        tests("LoadsEventLoopTests", ["LoadsEventLoop", "CLinux"]),
        tests(
            "LoadsTestingTests", ["LoadsTesting", "LoadsPackage", "LoadsCore", "LoadsWire", "CLinux", "TestSupport"]),
        tests("LoadsPackageTests", ["LoadsPackage", "LoadsWire", "TestSupport"]),
        .executableTarget(
            name: "FixtureRunner",
            dependencies: ["LoadsRunner", "LoadsWire", "LoadsCore", "LoadsEventLoop"],
            path: "Tests/FixtureRunner", swiftSettings: settings),
        tests("LoadsRunnerTests", ["LoadsRunner", "LoadsCore", "LoadsWire"]),
        tests(
            "LoadsAgentTests",
            [
                "LoadsAgent", "LoadsMaster", "LoadsTransport", "LoadsZeroMQ", "LoadsCore", "LoadsWire",
                "LoadsEventLoop",
                "FixtureRunner", "TestSupport", "loads-agent",
            ]),
        tests(
            "LoadsTransportTests",
            ["LoadsTransport", "LoadsZeroMQ", "LoadsCore", "LoadsWire", "LoadsEventLoop", "CZeroMQ", "TestSupport"]),
        tests(
            "LoadsMasterTests",
            ["LoadsMaster", "LoadsTransport", "LoadsCore", "LoadsWire", "LoadsEventLoop", "TestSupport"]),
        tests("LoadsClientTests", ["LoadsClient", "LoadsTransport", "LoadsCore", "LoadsWire", "LoadsEventLoop"]),
        .testTarget(
            name: "LoadsStoreTests",
            dependencies: [
                "LoadsStore", "LoadsMaster", "LoadsTransport", "LoadsCore", "LoadsEventLoop", "LoadsWire",
                "TestSupport",
            ],
            exclude: ["form-1.sql"], swiftSettings: settings),
        .testTarget(
            name: "LoadsWireTests", dependencies: ["LoadsWire", "LoadsCore", "LoadsEventLoop"], exclude: ["Vectors"],
            swiftSettings: settings),
        tests("ClusterTests", ["loads-cli", "loads-master", "loads-agent", "TestSupport"]),
        .testTarget(
            name: "LoadsCoreTests", dependencies: ["LoadsCore", "LoadsEventLoop", "TestSupport"], exclude: ["Vectors"],
            swiftSettings: settings),
        .testTarget(
            name: "LoadsReportTests", dependencies: ["LoadsReport", "LoadsCore", "LoadsEventLoop", "TestSupport"],
            exclude: ["Outputs/junit.xsd"], swiftSettings: settings),
        tests(
            "LoadsExportTests",
            [
                "LoadsExport", "LoadsReport", "LoadsSession", "LoadsTestServer", "LoadsCore", "LoadsEventLoop",
                "TestSupport",
            ]),
        tests("ProgramTests", ["loads-cli", "loads-master", "loads-agent", "LoadsTestServer", "TestSupport"]),
        tests(
            "LoadsCLITests",
            [
                "loads-cli", "LoadsCore", "LoadsExport", "LoadsPackage", "LoadsReport", "LoadsWire", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser", condition: tools),
            ]),
        tests("LoadsSessionEngineTests", ["LoadsSession", "LoadsCore", "LoadsEventLoop", "TestSupport"]),
        tests("LoadsSessionTests", ["LoadsSession", "LoadsCore", "LoadsEventLoop", "CZlib", "CZstd", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
