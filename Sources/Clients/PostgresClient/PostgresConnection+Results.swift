import CLibPQ
import Foundation

/// libpq's `PG_DIAG_…` field codes, character macros that Swift does not import.
private enum DiagnosticField {
    static let sqlState = Int32(UInt8(ascii: "C"))
    static let message = Int32(UInt8(ascii: "M"))
    static let detail = Int32(UInt8(ascii: "D"))
    static let hint = Int32(UInt8(ascii: "H"))
    static let position = Int32(UInt8(ascii: "P"))
    static let severity = Int32(UInt8(ascii: "S"))
}

extension PostgresConnection {
    static func columns(_ result: OpaquePointer) -> [PostgresColumn] {
        (0..<PQnfields(result)).map { index in
            PostgresColumn(
                name: String(cString: PQfname(result, index)), typeOID: PQftype(result, index),
                typeModifier: PQfmod(result, index), typeSize: Int16(truncatingIfNeeded: PQfsize(result, index)))
        }
    }

    static func read(_ result: OpaquePointer) -> PostgresResult {
        let width = PQnfields(result)
        let rows = (0..<PQntuples(result)).map { row in
            (0..<width).map { column -> String? in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
        return PostgresResult(
            columns: columns(result), rows: rows, commandTag: String(cString: PQcmdStatus(result)))
    }

    static func rawRow(_ result: OpaquePointer, _ row: Int32) -> [[UInt8]?] {
        (0..<PQnfields(result)).map { column -> [UInt8]? in
            guard PQgetisnull(result, row, column) == 0, let value = PQgetvalue(result, row, column) else { return nil }
            let length = Int(PQgetlength(result, row, column))
            return value.withMemoryRebound(to: UInt8.self, capacity: length) {
                Array(UnsafeBufferPointer(start: $0, count: length))
            }
        }
    }

    /// The classified error of a failed result; nil when the server sent no SQLSTATE, that is, when it is gone.
    static func error(of result: OpaquePointer, endpoint: PostgresEndpoint) -> PostgresError? {
        guard let state = field(result, DiagnosticField.sqlState) else { return nil }
        return .statement(
            endpoint: endpoint.displayName, sqlState: state,
            message: field(result, DiagnosticField.message) ?? "no message",
            detail: field(result, DiagnosticField.detail), hint: field(result, DiagnosticField.hint),
            position: field(result, DiagnosticField.position).flatMap { Int($0) })
    }

    /// - Parameter connection: libpq's last message of it tells why; nil when it was closed on this side.
    static func lost(_ connection: OpaquePointer?, endpoint: PostgresEndpoint) -> PostgresError {
        let text = connection.map { String(cString: PQerrorMessage($0)) } ?? ""
        let message = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return PostgresError(
            code: .connectionLost, what: "The connection to \(endpoint.displayName) is lost",
            why: message.isEmpty ? "it was closed" : message, fix: "It is opened again with the next try.")
    }

    static func misuse(_ why: String) -> PostgresError {
        PostgresError(code: .misuse, what: "A statement was used wrongly", why: why, fix: "Report this as a bug.")
    }

    static func notice(of result: OpaquePointer) -> PostgresNotice {
        PostgresNotice(
            severity: field(result, DiagnosticField.severity) ?? "NOTICE",
            sqlState: field(result, DiagnosticField.sqlState),
            message: field(result, DiagnosticField.message) ?? "", detail: field(result, DiagnosticField.detail),
            hint: field(result, DiagnosticField.hint))
    }

    private static func field(_ result: OpaquePointer, _ code: Int32) -> String? {
        PQresultErrorField(result, code).map { String(cString: $0) }
    }
}
