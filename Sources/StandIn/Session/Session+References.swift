/// What a statement names and has to be seen to before it runs.
extension Session {
    func prepareReferences(_ sql: SQLText) async throws {}
}
