extension CheckpointStamp {
    /// Refuses a checkpoint that another job or installation wrote: two writers would undo each other's work.
    /// - Throws: `ReplicationError` `E_CONFIG`.
    package func requireOwner(of mapping: TableMapping, installation: String) throws {
        if self.installation == installation {
            guard job != mapping.jobName else { return }
            throw ReplicationError(
                .config, what: "\(mapping.destination) already belongs to job \(job)",
                why: "its checkpoint names that job",
                fix:
                    "Give job \(mapping.jobName) another destination schema, or remove the table from job \(job). If that "
                    + "job is gone, take the table over: redshift-loader tables adopt \(mapping.label).")
        }
        let isSameJob = job == mapping.jobName
        let way =
            isSameJob
            ? "take it over: redshift-loader tables adopt \(mapping.label). The other installation cannot write to it "
                + "from then on."
            : "add the job under the name \(job) and take the table over (redshift-loader tables adopt), or use another "
                + "destination schema."
        throw ReplicationError(
            .config, what: "\(mapping.destination) belongs to another installation of the loader",
            why: "its checkpoint was written\(isSameJob ? "" : " by job \(job)") under another metadata database",
            fix: "Use that metadata database (DATABASE_URL). If it is lost, or is to give the table up, \(way)")
    }
}
