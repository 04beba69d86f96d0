import Foundation
import LoadsWire
import TestSupport
import Testing

@testable import LoadsPackage

@Suite struct ShipmentTests {
    @Test func librariesAreReadFromWhatLddSays() throws {
        let found = try Shipment.libraries(inOutput: [
            "\tlinux-vdso.so.1 (0x00007ffd)", "\tlibcurl.so.4 => /lib/x86_64-linux-gnu/libcurl.so.4 (0x00007f)",
            "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)",
            "\tlibFoundation.so => /opt/swift/usr/lib/swift/linux/libFoundation.so (0x00007f)",
            "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)",
        ])
        #expect(found.map(\.0) == ["libcurl.so.4", "libFoundation.so"])
        #expect(
            found.map(\.1) == ["/lib/x86_64-linux-gnu/libcurl.so.4", "/opt/swift/usr/lib/swift/linux/libFoundation.so"])
    }

    @Test func aLibraryThatIsMissingHereIsSaid() {
        let error = #expect(throws: PackageError.self) {
            try Shipment.libraries(inOutput: ["\tlibnowhere.so.1 => not found"])
        }
        #expect(error?.message.contains("libnowhere.so.1") == true)
    }

    @Test func foldersKeepTheirPathsAndHashesAreOfTheContent() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.path + "/data/inner", withIntermediateDirectories: true)
        try directory.write("abc", to: "data/inner/a.txt")
        try directory.write("abc", to: "data/b.txt")
        var shipment = Shipment()
        try shipment.add(including: "data", base: directory.path)
        #expect(shipment.files.map(\.path).sorted() == ["data/b.txt", "data/inner/a.txt"])
        // FIPS 180-2, B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(shipment.files.allSatisfy { $0.hash == abc && $0.bytes == 3 && !$0.executable })
        #expect(Array(shipment.paths.keys) == [abc])
    }

    @Test func whatLiesOutsideComesUnderItsLastName() throws {
        let directory = try TemporaryDirectory()
        for folder in ["here", "there/data", "else"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory.path)/\(folder)", withIntermediateDirectories: true)
        }
        try directory.write("1", to: "there/data/a.txt")
        try directory.write("2", to: "there/b.txt")
        try directory.write("3", to: "else/b.txt")
        let here = directory.path + "/here"
        var shipment = Shipment()
        #expect(try shipment.add(including: "../there/data", base: here) == "data")
        #expect(try shipment.add(including: "\(directory.path)/there/data", base: here) == "data")
        #expect(try shipment.add(including: "../there/b.txt", base: here) == "b.txt")
        #expect(shipment.files.map(\.path) == ["data/a.txt", "b.txt"])
        let error = #expect(throws: PackageError.self) { try shipment.add(including: "../else/b.txt", base: here) }
        #expect(error?.exitCode == 64 && error?.message.contains("as another one does") == true)
    }

    @Test func whatIsNotThereIsSaid() throws {
        let directory = try TemporaryDirectory()
        var shipment = Shipment()
        let error = #expect(throws: PackageError.self) {
            try shipment.add(including: "nothing.txt", base: directory.path)
        }
        #expect(error?.message.contains("nothing.txt") == true)
    }

    @Test func aProgramComesWithItsLibrariesAndNotWithTheSystems() async throws {
        var shipment = Shipment()
        try await shipment.add(
            program: try #require(
                FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/self/exe") as String?))
        let names = Set(shipment.files.map(\.path))
        #expect(names.contains("libFoundation.so") && names.contains("libswiftCore.so"))
        #expect(!names.contains("libc.so.6") && !names.contains("libm.so.6"))
        #expect(shipment.files.first?.executable == true)
    }
}
