import Foundation
import Operations

/// stdout for the answer, stderr for everything else.
enum Terminal {
    static func answer(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    static func message(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// Whether a person can be asked.
    static var isInteractive: Bool { isatty(FileHandle.standardInput.fileDescriptor) == 1 }

    /// A line from the person, without its end; empty at the end of the input.
    static func ask(_ question: String) -> String {
        FileHandle.standardError.write(Data(question.utf8))
        return readLine() ?? ""
    }

    /// Columns aligned by the widest cell; numbers to the right where `rightAligned` names the column.
    static func table(_ header: [String], _ rows: [[String]], rightAligned: Set<Int> = []) -> String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { width($0[column]) }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column in
                let pad = String(repeating: " ", count: widths[column] - width(row[column]))
                return rightAligned.contains(column) ? pad + row[column] : row[column] + pad
            }
            return cells.joined(separator: "  ").replacing(/[ ]+$/, with: "")
        }.joined(separator: "\n")
    }

    /// Characters as a terminal shows them; wide ones of East Asia count as one, which misaligns and loses nothing.
    private static func width(_ text: String) -> Int { text.count }

    /// `1234567` as `1,234,567`.
    static func grouped(_ number: Int) -> String { Counted.grouped(number) }

    /// Bytes in KiB, MiB, GiB.
    static func bytes(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\((value * 10).rounded() / 10) \(units[unit])"
    }
}
