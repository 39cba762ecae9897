extension CatalogStatements {
    /// Comparison of text as Redshift does it: trailing blanks do not count.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
    ///
    /// PostgreSQL has such functions, for CHAR. They are put behind the operators of TEXT and behind its two operator
    /// families, which VARCHAR shares. So joins, IN, DISTINCT, GROUP BY and ORDER BY agree, whether they sort or hash, at
    /// PostgreSQL's own speed. OCTET_LENGTH, LEN and LIKE still see the blanks.
    static let comparison = #"""
        UPDATE pg_catalog.pg_operator o SET oprcode = n.code::regproc FROM (VALUES
            ('=(text,text)', 'pg_catalog.bpchareq'), ('<>(text,text)', 'pg_catalog.bpcharne'),
            ('<(text,text)', 'pg_catalog.bpcharlt'), ('<=(text,text)', 'pg_catalog.bpcharle'),
            ('>(text,text)', 'pg_catalog.bpchargt'), ('>=(text,text)', 'pg_catalog.bpcharge')) n (operator, code)
        WHERE o.oid = ('pg_catalog.' || n.operator)::regoperator AND o.oprcode <> n.code::regproc;
        UPDATE pg_catalog.pg_amproc p SET amproc = n.code::regproc FROM (VALUES
            ('btree', 1, 'pg_catalog.bpcharcmp'), ('btree', 2, 'pg_catalog.bpchar_sortsupport'),
            ('hash', 1, 'pg_catalog.hashbpchar'), ('hash', 2, 'pg_catalog.hashbpcharextended')) n (method, number, code)
        WHERE p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype AND p.amprocnum = n.number
            AND p.amprocfamily = (SELECT c.opcfamily FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_am a ON a.oid = c.opcmethod
                WHERE a.amname = n.method AND c.opcname = 'text_ops') AND p.amproc <> n.code::regproc;
        """#
}
