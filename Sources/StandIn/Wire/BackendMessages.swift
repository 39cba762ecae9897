import NIOCore
import PostgresClient

/// The server's half of protocol 3.0, written into one buffer that is sent as a whole.
struct BackendMessages {
    var appearance: Appearance
    private(set) var buffer = ByteBufferAllocator().buffer(capacity: 4096)

    init(_ appearance: Appearance = Appearance()) { self.appearance = appearance }

    /// Type OIDs as Redshift's drivers know them (aws/amazon-redshift-python-driver, utils/oids.py).
    enum TypeOID {
        static let bytea: UInt32 = 17
        static let redshiftSuper: UInt32 = 4000
        static let redshiftVarbyte: UInt32 = 6551
        static let bigint: UInt32 = 20
        static let varchar: UInt32 = 1043
    }

    private mutating func message(_ type: Character, _ body: (inout ByteBuffer) -> Void) {
        buffer.writeInteger(type.asciiValue ?? 0)
        let lengthIndex = buffer.writerIndex
        buffer.writeInteger(Int32(0))
        body(&buffer)
        buffer.setInteger(Int32(buffer.writerIndex - lengthIndex), at: lengthIndex)
    }

    mutating func authenticationOK() { message("R") { $0.writeInteger(Int32(0)) } }

    /// Asks for md5(md5(password + user) + salt).
    mutating func authenticationMD5(salt: [UInt8]) {
        message("R") {
            $0.writeInteger(Int32(5))
            $0.writeBytes(salt)
        }
    }

    mutating func parameterStatus(_ name: String, _ value: String) {
        message("S") {
            $0.writeNullTerminatedString(name)
            $0.writeNullTerminatedString(value)
        }
    }

    mutating func backendKeyData(pid: Int32, secret: Int32) {
        message("K") {
            $0.writeInteger(pid)
            $0.writeInteger(secret)
        }
    }

    mutating func readyForQuery(_ status: PostgresTransactionStatus) {
        let letter: Character =
            switch status {
            case .inTransaction: "T"
            case .inFailedTransaction: "E"
            default: "I"
            }
        message("Z") { $0.writeInteger(letter.asciiValue ?? 0) }
    }

    mutating func commandComplete(_ tag: String) { message("C") { $0.writeNullTerminatedString(tag) } }

    mutating func emptyQuery() { message("I") { _ in } }

    mutating func parseComplete() { message("1") { _ in } }
    mutating func bindComplete() { message("2") { _ in } }
    mutating func closeComplete() { message("3") { _ in } }
    mutating func noData() { message("n") { _ in } }
    mutating func portalSuspended() { message("s") { _ in } }

    mutating func parameterDescription(_ types: [UInt32]) {
        let appearance = appearance
        message("t") { buffer in
            buffer.writeInteger(Int16(truncatingIfNeeded: types.count))
            for type in types { buffer.writeInteger(appearance.redshiftType(type)) }
        }
    }

    mutating func error(_ error: StandInError, severity: String = "ERROR") {
        fields("E", severity, error.sqlState, error.what, error.why, error.fix)
    }

    mutating func notice(
        severity: String, sqlState: String = "00000", _ text: String, detail: String? = nil, hint: String? = nil
    ) {
        fields("N", severity, sqlState, text, detail, hint)
    }

    private mutating func fields(
        _ type: Character, _ severity: String, _ state: String, _ text: String, _ detail: String?, _ hint: String?
    ) {
        let appearance = appearance
        message(type) { buffer in
            for (code, value) in [("S", severity), ("C", state), ("M", text), ("D", detail), ("H", hint)] {
                guard let value else { continue }
                buffer.writeString(code)
                buffer.writeNullTerminatedString(appearance.text(value))
            }
            buffer.writeInteger(UInt8(0))
        }
    }

    /// Columns under Redshift's type numbers.
    /// - Parameter formats: As Bind gives them: none means text, one stands for all columns.
    mutating func rowDescription(_ columns: [PostgresColumn], formats: [Int16] = []) {
        let appearance = appearance
        message("T") { buffer in
            buffer.writeInteger(Int16(columns.count))
            for (index, column) in columns.enumerated() {
                buffer.writeNullTerminatedString(appearance.name(column.name))
                buffer.writeInteger(Int32(0))
                buffer.writeInteger(Int16(0))
                buffer.writeInteger(appearance.redshiftType(column.typeOID))
                buffer.writeInteger(column.typeSize)
                buffer.writeInteger(column.typeModifier)
                buffer.writeInteger(Self.format(formats, index))
            }
        }
    }

    private static func format(_ formats: [Int16], _ index: Int) -> Int16 {
        formats.count == 1 ? formats[0] : index < formats.count ? formats[index] : 0
    }

    /// One row, given in text form.
    /// - Throws: `StandInError` for a value that has no binary form.
    mutating func dataRow(_ row: [[UInt8]?], columns: [PostgresColumn], formats: [Int16]) throws(StandInError) {
        guard formats.contains(1) else { return dataRow(row, columns: columns) }
        var binary: [[UInt8]?] = []
        for (index, value) in row.enumerated() {
            guard let value, index < columns.count else {
                binary.append(nil)
                continue
            }
            let asText = Array(appearance.shown(value, columns[index].typeOID))
            binary.append(
                Self.format(formats, index) == 1
                    ? try BinaryValue.encode(asText, type: columns[index].typeOID) : asText)
        }
        message("D") { buffer in
            buffer.writeInteger(Int16(binary.count))
            for value in binary {
                buffer.writeInteger(Int32(value?.count ?? -1))
                if let value { buffer.writeBytes(value) }
            }
        }
    }

    /// One row in text form.
    mutating func dataRow(_ row: [[UInt8]?], columns: [PostgresColumn]) {
        let appearance = appearance
        message("D") { buffer in
            buffer.writeInteger(Int16(row.count))
            for (index, value) in row.enumerated() {
                guard let value else {
                    buffer.writeInteger(Int32(-1))
                    continue
                }
                let type = index < columns.count ? columns[index].typeOID : 0
                let shown = appearance.shown(value, type)
                buffer.writeInteger(Int32(shown.count))
                buffer.writeBytes(shown)
            }
        }
    }
}
