// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Shop",
    dependencies: [
        .package(name: "loads", path: "../..", traits: [])
    ],
    targets: [
        .testTarget(
            name: "ShopTests",
            dependencies: [
                .product(name: "LoadsSession", package: "loads"),
                .product(name: "LoadsTesting", package: "loads"),
            ])
    ]
)
