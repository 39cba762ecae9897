import Foundation

/// One object as listings and headers describe it.
package struct S3ObjectInfo: Sendable, Equatable {
    package var key: String
    /// In bytes, as stored.
    package var size: Int64
    /// Without its quotes. The MD5 of the contents only for plain uploads without KMS; otherwise opaque.
    package var etag: String?
    package var lastModified: Date?

    package init(key: String, size: Int64, etag: String?, lastModified: Date?) {
        self.key = key
        self.size = size
        self.etag = etag
        self.lastModified = lastModified
    }
}

/// What S3 says of an object that it has stored.
package struct S3PutResult: Sendable, Equatable {
    /// Without its quotes.
    package var etag: String?
    /// Only in buckets that keep versions.
    package var versionID: String?
}

/// An open download: the head is here, the contents come as they are asked for. Leaving `body` unread closes it.
package struct S3Object: Sendable {
    package var info: S3ObjectInfo
    package var body: S3ObjectBody
}
