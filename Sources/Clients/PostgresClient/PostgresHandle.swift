import CLibPQ
import Dispatch
import Foundation

/// Owns a `PGconn` and closes it.
///
/// `@unchecked Sendable` is safe because only the connection's actor, on its own executor, touches the pointer; the
/// last reference may die on any thread, where nothing else can be using it.
final class PostgresHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQfinish(pointer)
    }
}

/// Sends a cancel request from any thread.
///
/// `@unchecked Sendable` is safe because libpq documents `PQcancel` as callable from any thread, even from a signal
/// handler, on a `PGcancel` that nothing changes after its creation.
final class PostgresCanceller: @unchecked Sendable {
    private let pointer: OpaquePointer
    private static let queue = DispatchQueue(label: "postgres.cancel", attributes: .concurrent)

    init?(_ connection: OpaquePointer) {
        guard let cancel = PQgetCancel(connection) else { return nil }
        pointer = cancel
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// Returns at once; the request, a connection of its own, is made on another thread.
    func cancel() {
        Self.queue.async { [self] in
            var message = [CChar](repeating: 0, count: 256)
            PQcancel(pointer, &message, Int32(message.count))
        }
    }
}

/// Collects the notices of one connection; libpq calls it only from within calls made on the connection's executor.
final class PostgresNoticeBox {
    /// Notices beyond this many are dropped, oldest first: nobody may be reading them.
    private static let limit = 200
    private(set) var notices: [PostgresNotice] = []

    func append(_ notice: PostgresNotice) {
        if notices.count == Self.limit { notices.removeFirst() }
        notices.append(notice)
    }

    func take() -> [PostgresNotice] {
        defer { notices = [] }
        return notices
    }
}
