/// Word lists of the language: what cannot be a bare name, and which functions Redshift has not.
enum ReservedWords {
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html
    static let redshift: Set<String> = Set(
        """
        aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary \
        blanksasnull both bytedict bzip2 case cast check collate column connect constraint create credentials cross \
        current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag \
        delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit \
        false for foreign freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike \
        in initially inner intersect interval into is isnull join language leading left like limit localtime \
        localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off \
        offline offset oid old on only open or order outer overlaps parallel partition percent permissions pivot \
        placing primary raw readratio recover references rejectlog resort respect restore right select session_user \
        similar snapshot some start sysdate system table tag tdes text255 text32k then timestamp to top trailing true \
        truncatecolumns union unique unnest unpivot user using verbose wallet when where with without
        """.split(separator: " ").map(String.init))

    /// PostgreSQL functions that Redshift lacks, or that would reach out of the database behind.
    static let refusedFunctions: Set<String> = Set(
        """
        string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg encode format row_to_json to_json \
        to_jsonb jsonb_build_object json_build_object jsonb_build_array json_build_array jsonb_set jsonb_each \
        jsonb_array_elements json_array_elements json_populate_record regexp_matches regexp_split_to_table overlay \
        convert_from convert_to clock_timestamp transaction_timestamp statement_timestamp gen_random_uuid hashtext \
        quote_nullable set_config setval nextval currval lastval pg_read_file pg_read_binary_file pg_ls_dir \
        pg_stat_file lo_import lo_export lo_create dblink pg_advisory_lock pg_advisory_unlock pg_try_advisory_lock \
        pg_advisory_xact_lock pg_try_advisory_xact_lock pg_notify pg_reload_conf pg_rotate_logfile query_to_xml \
        pg_switch_wal pg_create_restore_point pg_current_xact_id txid_current pg_current_snapshot sha224 sha256 sha384 \
        sha512 num_nulls num_nonnulls make_date make_timestamp make_interval array_append array_prepend array_cat \
        array_length array_upper array_lower array_ndims array_dims array_remove array_replace array_position \
        array_to_string string_to_array regexp_split_to_array regexp_match unnest cardinality bit_length setseed \
        age isfinite pg_typeof json_each json_each_text json_object json_strip_nulls json_to_record jsonb_pretty \
        jsonb_typeof jsonb_extract_path jsonb_array_length jsonb_insert to_tsvector to_tsquery xmlparse
        """.split(separator: " ").map(String.init))

    /// Leader-only by accident in Redshift: fails as soon as rows are written with it.
    static let leaderOnlyFunctions: Set<String> = ["generate_series", "now"]
}
