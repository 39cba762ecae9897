import Foundation

/// Redshift's list of files to load; every entry is mandatory, since a missing optional one is skipped without a word.
struct StagedManifest: Encodable {
    struct Entry: Encodable {
        var url: String
        var mandatory = true
    }

    var entries: [Entry]

    init(urls: [String]) {
        entries = urls.map { Entry(url: $0) }
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return Array(try encoder.encode(self))
    }
}
