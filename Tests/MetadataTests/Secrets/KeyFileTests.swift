import Foundation
import Metadata
import Operations
import Testing

@Suite struct KeyFileTests {
    private func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await body(folder.path + "/loader.db")
    }

    @Test func `a key is made once, private, and serves a box`() async throws {
        try await inFolder { database in
            let key = try KeyFile.loadOrCreate(beside: database)
            #expect(Data(base64Encoded: key)?.count == 32)
            #expect(try KeyFile.loadOrCreate(beside: database) == key)
            let attributes = try FileManager.default.attributesOfItem(atPath: database + ".key")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let box = try SecretBox(encryptionKey: key)
            #expect(try box.open(try box.seal("x", context: ""), context: "") == "x")
        }
    }

    @Test func `a key can be made before its database and folder`() async throws {
        try await inFolder { database in
            _ = try KeyFile.loadOrCreate(beside: database + ".d/new/loader.db")
            let attributes = try FileManager.default.attributesOfItem(atPath: database + ".d/new")
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test func `many that make it at once get one key, and no draft stays`() async throws {
        try await inFolder { database in
            let keys = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<16 { group.addTask { try KeyFile.loadOrCreate(beside: database) } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(keys.count == 1)
            let folder = (database as NSString).deletingLastPathComponent
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["loader.db.key"])
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660])
    func `a file that others may use is refused`(mode: Int) async throws {
        try await inFolder { database in
            _ = try KeyFile.loadOrCreate(beside: database)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: database + ".key")
            let error = #expect(throws: OperationError.self) { _ = try KeyFile.loadOrCreate(beside: database) }
            #expect(error?.code == .secretKey)
            #expect(error?.fix.contains("chmod 600") == true)
        }
    }

    @Test func `a file without a key is refused and stays as it is`() async throws {
        try await inFolder { database in
            #expect(
                FileManager.default.createFile(
                    atPath: database + ".key", contents: Data(), attributes: [.posixPermissions: 0o600]))
            let error = #expect(throws: OperationError.self) { _ = try KeyFile.loadOrCreate(beside: database) }
            #expect(error?.code == .secretKey)
            let contents = try Data(contentsOf: URL(fileURLWithPath: database + ".key"))
            #expect(contents.isEmpty)
        }
    }
}
