import Foundation

/// What tells a process from every other one that this machine's kernel has run or will run. Linux; elsewhere there is
/// none and leases simply expire.
struct ProcessIdentity: Sendable, Hashable {
    /// `/proc/sys/kernel/random/boot_id`
    let boot: String
    /// The inode of `/proc/self/ns/pid`: process numbers mean the same only within one.
    let namespace: String
    let processID: Int32
    /// Clock ticks between boot and the process's start: field 22 of `/proc/PID/stat`, see proc_pid_stat(5).
    let startTicks: UInt64
    let host: String

    static var current: ProcessIdentity? { ProcessIdentity(of: getpid()) }

    /// Never known to be dead.
    static var unknown: ProcessIdentity {
        ProcessIdentity(boot: "", namespace: "", processID: getpid(), startTicks: 0, host: hostName())
    }

    private init(boot: String, namespace: String, processID: Int32, startTicks: UInt64, host: String) {
        self.boot = boot
        self.namespace = namespace
        self.processID = processID
        self.startTicks = startTicks
        self.host = host
    }

    /// A process of this namespace that runs now.
    init?(of processID: Int32) {
        guard let boot = Self.contents("/proc/sys/kernel/random/boot_id"),
            let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"),
            let status = ProcessStatus(of: processID)
        else { return nil }
        self.init(
            boot: boot.trimmingCharacters(in: .whitespacesAndNewlines), namespace: namespace.filter(\.isNumber),
            processID: processID, startTicks: status.startTicks, host: Self.hostName())
    }

    /// Reads what `ownerID` wrote.
    init?(ownerID: String) {
        let parts = ownerID.split(separator: ":", maxSplits: 6, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 7, parts[0] == "p1", let processID = Int32(parts[3]), let startTicks = UInt64(parts[4])
        else { return nil }
        self.init(boot: parts[1], namespace: parts[2], processID: processID, startTicks: startTicks, host: parts[6])
    }

    /// The host comes last: it may hold any character.
    func ownerID(random: String) -> String {
        "p1:\(boot):\(namespace):\(processID):\(startTicks):\(random):\(host)"
    }

    /// Whether process numbers of both mean the same processes.
    func sharesKernelView(with other: ProcessIdentity) -> Bool {
        !boot.isEmpty && boot == other.boot && namespace == other.namespace && host == other.host
    }

    /// Whether no process of this number and start runs. `/proc` may hide other users' processes, so that a missing
    /// file proves nothing; the kernel's answer to signal 0 does.
    var hasEnded: Bool {
        if kill(processID, 0) != 0 && errno == ESRCH { return true }
        guard let status = ProcessStatus(of: processID) else { return false }
        return status.startTicks != startTicks || status.isZombie
    }

    private static func hostName() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Files of `/proc` have no size; these fit into one read.
    fileprivate static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}

/// The fields of `/proc/PID/stat` that matter here, numbered as in proc_pid_stat(5).
struct ProcessStatus: Sendable, Hashable {
    let startTicks: UInt64
    /// It has ended and its parent has not looked yet. Threads that outlive the first one count as running.
    let isZombie: Bool

    init?(of processID: Int32) {
        guard let text = ProcessIdentity.contents("/proc/\(processID)/stat") else { return nil }
        self.init(text: text)
    }

    /// The second field, the command, may hold blanks and parentheses: the fields after its last one are counted.
    init?(text: String) {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let startTicks = UInt64(fields[19]) else { return nil }
        self.startTicks = startTicks
        let threads = Int(fields[17]) ?? 0
        isZombie = (fields[0] == "Z" || fields[0] == "X") && threads <= 1
    }
}
