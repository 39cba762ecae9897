import CMariaDB

/// How far the rows of a streamed answer were read.
///
/// Only `finished` may look like an end: an answer that broke off must never pass for a complete one.
enum MySQLStreamState {
    case none
    case open(columns: Int)
    case finished
    case failed(any Error)
}

extension MySQLConnection {
    /// Starts a query whose rows `nextChunk` delivers. The server waits while nobody reads: raise its
    /// `net_write_timeout` (60 s) for the session, or it ends the connection.
    /// - Throws: `MySQLError`; `CancellationError`.
    package func beginRows(_ sql: String) async throws -> [MySQLColumn] {
        try await cancellable { handle in
            try self.send(sql, handle)
            guard let result = mysql_use_result(handle.pointer) else {
                guard handle.errno == 0 else { throw self.failure(handle) }
                throw self.misuse("the statement gives no rows")
            }
            handle.openResult = result
            let columns = Self.columns(result)
            self.stream = .open(columns: columns.count)
            return columns
        }
    }

    /// Rows of the started query until their encoded bytes come to about `maximumBytes`.
    ///
    /// Nothing is read ahead: a slow caller slows the server. An error of the encoder is thrown on; the rows behind it
    /// can then only be dropped.
    /// - Returns: No chunk at the successful end; the encoder as the rows left it, always.
    /// - Throws: `MySQLError`; `CancellationError`; the encoder's error.
    package func nextChunk<Encoder: MySQLRowEncoder>(
        maximumBytes: Int, encoder: Encoder
    ) async throws -> (chunk: MySQLChunk?, encoder: Encoder) {
        try await cancellable { handle in
            switch self.stream {
            case .none: throw self.misuse("no query was started")
            case .failed(let error): throw error
            case .finished: return (nil, encoder)
            case .open(let columns):
                var encoder = encoder
                do {
                    let chunk = try self.readChunk(handle, columns, maximumBytes, &encoder)
                    return (chunk.rows == 0 ? nil : chunk, encoder)
                } catch {
                    self.stream = .failed(error)
                    throw error
                }
            }
        }
    }

    private func readChunk<Encoder: MySQLRowEncoder>(
        _ handle: MySQLHandle, _ columns: Int, _ maximumBytes: Int, _ encoder: inout Encoder
    ) throws -> MySQLChunk {
        var chunk = MySQLChunk(bytes: [], rows: 0, longestRowBytes: 0)
        guard let result = handle.openResult else { return chunk }
        chunk.bytes.reserveCapacity(maximumBytes + maximumBytes / 16)
        while chunk.bytes.count < maximumBytes {
            guard let values = mysql_fetch_row(result) else {
                try finish(result, handle)
                break
            }
            guard let lengths = mysql_fetch_lengths(result) else { throw failure(handle) }
            let row = MySQLRow(count: columns, values: UnsafePointer(values), lengths: UnsafePointer(lengths))
            let before = chunk.bytes.count
            if try encoder.encode(row, into: &chunk.bytes) {
                chunk.rows += 1
                chunk.longestRowBytes = max(chunk.longestRowBytes, chunk.bytes.count - before)
            } else {
                chunk.bytes.removeLast(chunk.bytes.count - before)
            }
        }
        return chunk
    }

    /// No row came: the rows are all there, or the server or the connection broke off. Only the error number tells.
    private func finish(_ result: UnsafeMutablePointer<MYSQL_RES>, _ handle: MySQLHandle) throws {
        let error = handle.errno == 0 ? nil : failure(handle)
        handle.openResult = nil
        mysql_free_result(result)
        if let error { throw error }
        stream = .finished
    }

    /// Ends a stream whose remaining rows nobody wants; the connection and its transaction go on. Without a stream it
    /// does nothing.
    /// - Throws: `MySQLError` when the server cannot be asked to stop; the connection is lost then. `CancellationError`.
    package func dropRows() async throws {
        try await cancellable { handle in
            defer { self.stream = .none }
            guard let result = handle.openResult else { return }
            do {
                try self.killQuery()
            } catch {
                self.abandon()
                throw error
            }
            handle.openResult = nil
            // Reads what the server had sent already.
            mysql_free_result(result)
            // Takes the request upon itself where the rows ended before it came.
            guard mysql_query(handle.pointer, "DO 0") != 0 else { return }
            let error = self.failure(handle)
            if error.code != .cancelled { throw error }
        }
    }

    // MARK: Reading

    static func columns(_ result: UnsafeMutablePointer<MYSQL_RES>) -> [MySQLColumn] {
        guard let fields = mysql_fetch_fields(result) else { return [] }
        return (0..<Int(mysql_num_fields(result))).map { index in
            let field = fields[index]
            let name = UnsafeRawBufferPointer(start: field.name, count: Int(field.name_length))
            return MySQLColumn(
                name: String(decoding: name, as: UTF8.self), type: UInt32(field.type.rawValue), flags: field.flags,
                charset: field.charsetnr, length: field.length, decimals: field.decimals)
        }
    }

    static func read(_ result: UnsafeMutablePointer<MYSQL_RES>) -> MySQLResult {
        let columns = columns(result)
        var rows: [[String?]] = []
        while let values = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
            let row = MySQLRow(
                count: columns.count, values: UnsafePointer(values), lengths: UnsafePointer(lengths))
            rows.append((0..<row.count).map { index in row.value(index).map { String(decoding: $0, as: UTF8.self) } })
        }
        return MySQLResult(columns: columns, rows: rows, affectedRows: UInt64(rows.count))
    }
}
