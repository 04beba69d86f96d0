import CLinux
import Glibc
public import LoadsWire

extension Platform {
    /// This machine's: what an agent says in its hello, and what a program that was built here needs.
    public static let current: Platform = {
        var name = utsname()
        uname(&name)
        let machine = withUnsafePointer(to: &name.machine) {
            $0.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
        }
        return Platform(
            system: "linux", architecture: machine, library: "glibc \(String(cString: loads_c_library_version()))")
    }()

    /// Why something made for another platform does not run here; nil when it does.
    func obstacle(to needed: Platform) -> String? {
        guard needed.system == system, needed.architecture == architecture else {
            return "the program is for \(needed.system) \(needed.architecture), and this machine is \(system) "
                + "\(architecture): build it there, or choose agents like the machine it was built on"
        }
        let (wanted, own) = (Self.version(needed.library), Self.version(library))
        guard wanted.name == own.name, !own.numbers.lexicographicallyPrecedes(wanted.numbers) else {
            return
                "the program needs \(needed.library) or later, and this machine has \(library): build it on an older "
                + "system, or bring the agent's up to date"
        }
        return nil
    }

    /// `glibc 2.36` in parts.
    private static func version(_ text: String) -> (name: Substring, numbers: [Int]) {
        let words = text.split(separator: " ", maxSplits: 1)
        let numbers = words.count > 1 ? words[1].split(separator: ".").map { Int($0) ?? 0 } : []
        return (words.first ?? "", numbers)
    }
}
