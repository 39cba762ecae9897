import Operations
import PostgresClient

/// Sentences for what can be wrong with a metadata store on PostgreSQL.
enum PostgresFailure {
    /// Turns the client's errors into `OperationError`; all others pass.
    static func sentence(for error: any Error, server: String) -> any Error {
        guard let error = error as? PostgresError else { return error }
        func sentence(_ code: OperationError.Code, _ why: String, _ fix: String) -> OperationError {
            OperationError(
                code, what: "The metadata store postgres://\(server) cannot be used", why: why, fix: fix,
                underlying: error)
        }
        switch error.code {
        case .malformedURL, .missingDatabase, .tls:
            return sentence(.configuration, error.why, error.fix)
        case .authentication, .permission:
            return sentence(
                .notPermitted, error.why,
                "Give the user of DATABASE_URL the right to sign in and to create the schema redshift_loader: "
                    + "GRANT CREATE ON DATABASE … TO …")
        case .unreachable, .timeout, .connectionLost, .tooManyConnections, .recoveryConflict:
            return sentence(.unavailable, error.why, "It is tried again; nothing is lost.")
        case .serialization, .lockNotAvailable:
            return sentence(.busy, "other processes held what was needed", "Try again.")
        case .diskFull:
            return sentence(.unavailable, "the server's disk is full", "Free some space there; nothing is lost.")
        case .undefinedTable, .undefinedColumn, .undefinedObject:
            return sentence(
                .configuration, "it lacks a part of its schema", "Run: redshift-loader migrate; or restore a backup.")
        default:
            return sentence(
                .unavailable, "the server refused a statement (SQLSTATE \(error.sqlState ?? "unknown"))",
                "Run `redshift-loader migrate`; if it stays so, report it as a bug.")
        }
    }
}
