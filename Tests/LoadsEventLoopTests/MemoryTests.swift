import CLinux
import Glibc
import Testing

@Suite struct MemoryTests {
    /// Resident memory of this process, in bytes.
    private func resident() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        _ = fgets(&line, 128, file)
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Whether the address sanitizer has put its own allocator in the place of the C library's.
    private static let isSanitized = dlsym(nil, "__asan_init") != nil

    /// The allocator keeps what lies between things that are still in use.
    @Test(.disabled(if: isSanitized)) func whatIsFreeIsGivenBackToTheSystem() throws {
        let blocks = (0..<32_768).map { _ in
            let block = malloc(4_000)!
            memset(block, 1, 4_000)
            return block
        }
        for (number, block) in blocks.enumerated() where number % 16 > 0 { free(block) }
        let before = try resident()
        loads_release_memory()
        let after = try resident()
        for (number, block) in blocks.enumerated() where number % 16 == 0 { free(block) }
        #expect(before - after > 48 << 20, "\(before >> 20) MiB before, \(after >> 20) MiB after")
    }
}
