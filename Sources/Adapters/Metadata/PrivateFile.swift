import Foundation
import Operations

/// Files that only their owner may read: mode 0600 from the first moment on, in folders of mode 0700.
enum PrivateFile {
    /// Makes an empty file, and its folders, unless it exists; an existing one is only tried for writing.
    static func create(_ path: String) throws {
        try createFolder((path as NSString).deletingLastPathComponent)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw MetadataFailure.file("\(path) cannot be opened for writing", errno: errno) }
        close(descriptor)
    }

    /// Makes a file with contents, and its folders, unless it exists, so that nobody ever sees a part of them: written under another
    /// name, then linked, which fails where another process was faster.
    static func publish(_ contents: String, at path: String) throws {
        try createFolder((path as NSString).deletingLastPathComponent)
        let draft = "\(path).\(UUID().uuidString)"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw MetadataFailure.file("\(path) cannot be made", errno: errno) }
        defer { unlink(draft) }
        let bytes = Array(contents.utf8)
        let written = write(descriptor, bytes, bytes.count)
        let isSafe = written == bytes.count && fsync(descriptor) == 0
        let failure = errno
        close(descriptor)
        guard isSafe else { throw MetadataFailure.file("\(path) cannot be written", errno: failure) }
        guard link(draft, path) == 0 || errno == EEXIST else {
            throw MetadataFailure.file("\(path) cannot be made", errno: errno)
        }
    }

    /// - Returns: nil when there is no such file.
    /// - Throws: `OperationError` when others than the owner may read it.
    static func read(_ path: String, limitBytes: Int) throws -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw MetadataFailure.file("\(path) cannot be read", errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw MetadataFailure.file("\(path) cannot be read", errno: errno)
        }
        guard status.st_mode & 0o077 == 0 else {
            throw OperationError(
                .secretKey, what: "The key file \(path) is not private", why: "its group or others may use it",
                fix:
                    "If nobody else has read it, run: chmod 600 '\(path)'. Otherwise make a new key and set the stored "
                    + "connections again.")
        }
        var bytes = [UInt8](repeating: 0, count: limitBytes)
        let count = Foundation.read(descriptor, &bytes, limitBytes)
        guard count >= 0 else { throw MetadataFailure.file("\(path) cannot be read", errno: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private static func createFolder(_ path: String) throws {
        if path.isEmpty || mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let failure = errno
        let parent = (path as NSString).deletingLastPathComponent
        guard failure == ENOENT, parent != path else {
            throw MetadataFailure.file("The folder \(path) cannot be made", errno: failure)
        }
        try createFolder(parent)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw MetadataFailure.file("The folder \(path) cannot be made", errno: errno)
        }
    }
}
