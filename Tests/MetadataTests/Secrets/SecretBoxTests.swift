import Foundation
import Metadata
import Operations
import Testing

@Suite struct SecretBoxTests {
    private let first = String(repeating: "a", count: 32)
    private let second = String(repeating: "b", count: 40)
    private let secret = "postgres://user:p%40ss@host/db?x=ü"

    @Test func `a secret opens under its key and context, and never shows`() throws {
        let box = try SecretBox(encryptionKey: first)
        let sealed = try box.seal(secret, context: "job/1/source")
        #expect(try box.open(sealed, context: "job/1/source") == secret)
        #expect(sealed.range(of: Data("p%40ss".utf8)) == nil)
        #expect(try box.seal(secret, context: "job/1/source") != sealed)
        // A slice of a larger buffer, whose indices do not begin at zero.
        let slice = (Data([0, 0, 0]) + sealed).dropFirst(3)
        #expect(try box.open(slice, context: "job/1/source") == secret)
    }

    @Test func `the newest key seals, any opens`() throws {
        let old = try SecretBox(encryptionKey: first).seal(secret, context: "c")
        let rotated = try SecretBox(encryptionKey: " \(second), \(first)\n")
        #expect(try rotated.open(old, context: "c") == secret)
        let new = try rotated.seal(secret, context: "c")
        #expect(try SecretBox(encryptionKey: second).open(new, context: "c") == secret)
    }

    @Test func `a wrong key, another context and any changed byte are refused`() throws {
        let box = try SecretBox(encryptionKey: first)
        let sealed = try box.seal(secret, context: "c")
        func refused(_ body: () throws -> String) {
            let error = #expect(throws: OperationError.self) { _ = try body() }
            #expect(error?.code == .secretKey)
            #expect(error?.fix.contains("ENCRYPTION_KEY") == true)
            #expect(error?.description.contains(first) == false)
        }
        refused { try SecretBox(encryptionKey: second).open(sealed, context: "c") }
        refused { try box.open(sealed, context: "d") }
        refused { try box.open(Data(), context: "c") }
        refused { try box.open(sealed.prefix(9), context: "c") }
        for index in sealed.indices {
            var damaged = sealed
            damaged[index] ^= 1
            refused { try box.open(damaged, context: "c") }
        }
    }

    @Test(arguments: ["", "short", "12345678901234567890123456789012,short", "12345678901234567890123456789012,"])
    func `a key that is too short is refused`(text: String) {
        let error = #expect(throws: OperationError.self) { _ = try SecretBox(encryptionKey: text) }
        #expect(error?.code == .secretKey)
    }
}
