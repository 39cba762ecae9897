/// SET, RESET and SHOW of the parameters that Redshift documents; others are 42704.
extension Rewriter {
    /// Parameters that mean the same to the PostgreSQL behind.
    static let passed: Set<String> = [
        "datestyle", "extra_float_digits", "search_path", "statement_timeout", "timezone", "client_encoding",
        "application_name",
    ]

    /// Parameters of Redshift alone, with their documented defaults; kept and shown, without effect.
    static let kept: [String: String] = [
        "analyze_threshold_percent": "10", "auto_mv": "on", "cast_super_null_on_error": "on",
        "datashare_break_glass_session_var": "", "default_geometry_encoding": "1",
        "describe_field_name_in_uppercase": "off", "downcase_delimited_identifier": "on",
        "enable_case_sensitive_identifier": "off", "enable_case_sensitive_super_attribute": "off",
        "enable_numeric_rounding": "on", "enable_result_cache_for_session": "on", "enable_vacuum_boost": "off",
        "error_on_nondeterministic_update": "off", "interval_forbid_composite_literals": "off",
        "json_parse_dedup_attributes": "off", "json_parse_truncate_strings": "off", "json_serialization_enable": "off",
        "json_serialization_parse_nested_strings": "off", "max_concurrency_scaling_clusters": "1",
        "max_cursor_result_set_size": "0", "mv_enable_aqmv_for_session": "true",
        "navigate_super_null_on_error": "on", "parse_super_null_on_error": "off",
        "pg_federation_repeatable_read": "on", "query_group": "unset", "spectrum_enable_pseudo_columns": "true",
        "spectrum_query_maxerror": "-1", "stored_proc_log_min_messages": "off", "use_fips_ssl": "off",
        "wlm_query_slot_count": "1",
    ]

    func parameter(_ word: String, _ start: StatementReader) throws(StandInError) -> StatementPlan {
        var reader = start
        if word == "set" {
            let local = reader.take("local")
            if !local, reader.take("session", "characteristics") { return .command("SELECT 1", tag: "SET") }
            if !local, reader.take("session", "authorization") {
                return .command("SET SESSION AUTHORIZATION " + (try queryText(reader.rest)))
            }
            if !local { _ = reader.take("session") }
            return try set(&reader, local: local)
        }
        if word == "reset", reader.take("all") { return .command("RESET ALL") }
        if word == "reset", reader.take("session", "authorization") { return .command("RESET SESSION AUTHORIZATION") }
        if reader.take("time", "zone") { return word == "show" ? .rows("SHOW timezone") : .command("RESET timezone") }
        if word == "show", reader.isNext("all") || reader.isNext("table") || reader.isNext("view") {
            throw .notImitated("SHOW \(sql.text(reader.index).uppercased())")
        }
        let name = try parameterName(&reader)
        try reader.expectEnd()
        if word == "show" {
            return Self.passed.contains(name)
                ? .rows("SHOW \(name)") : StatementPlan(action: .showKeptParameter(name))
        }
        return Self.passed.contains(name)
            ? .command("RESET \(name)") : StatementPlan(action: .keepParameter(name: name, value: nil))
    }

    private func parameterName(_ reader: inout StatementReader) throws(StandInError) -> String {
        let name = try reader.name()
        guard Self.passed.contains(name) || Self.kept[name] != nil || ["server_version", "is_superuser"].contains(name)
        else { throw StandInError("42704", "unrecognized configuration parameter \"\(name)\"") }
        return name
    }

    private func set(_ reader: inout StatementReader, local: Bool) throws(StandInError) -> StatementPlan {
        let scope = local ? "LOCAL " : ""
        if reader.take("time", "zone") {
            return .command("SET \(scope)TIME ZONE " + (try queryText(reader.rest)))
        }
        let name = try parameterName(&reader)
        guard reader.take("to") || reader.takeSymbol("=") else { throw reader.unexpected() }
        guard !reader.isAtEnd else { throw reader.unexpected() }
        if Self.passed.contains(name) {
            return .command("SET \(scope)\(name) TO " + (try queryText(reader.rest)))
        }
        let value = reader.kind() == .string ? try reader.string() : reader.source(reader.rest)
        return StatementPlan(
            action: .keepParameter(name: name, value: ASCII.fold(value) == "default" ? nil : value))
    }
}
