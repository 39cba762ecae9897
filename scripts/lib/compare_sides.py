"""How compare_rows.py reads tables: each value as text, so that none is out of a Python type's range.

A source has `tables`, `columns`, `primary_key` and `rows`. Types are named as the PostgreSQL that the forms of
compare_rows.py know, whatever the source calls them.
"""

from urllib.parse import unquote, urlsplit

import psycopg2
import psycopg2.extensions
import pymysql.converters
import pymysql.cursors

import mysql_connection

DOCUMENTS = ("json", "jsonb", "ARRAY", "super")


def source_of(url):
    return MySQLSource(url) if mysql_connection.is_mysql(url) else PostgresSource(url)


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def folded(name):
    """Redshift's form of an identifier: ASCII letters in lower case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def chunked(cursor):
    while rows := cursor.fetchmany(5000):
        yield from rows


class PostgresSide:
    """What PostgreSQL and Redshift have in common."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.connection = psycopg2.connect(
            host=parts.hostname,
            port=parts.port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            dbname=parts.path.lstrip("/"),
            gssencmode="disable",
            application_name="compare-rows",
        )
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute("set timezone to 'UTC'")
        raw = psycopg2.extensions.new_type(tuple(psycopg2.extensions.string_types), "RAW", lambda held, _: held)
        psycopg2.extensions.register_type(raw, self.connection)

    def query(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            yield from chunked(cursor)

    def columns(self, schema, table):
        """(name, type) in the table's order, from the view that both systems have."""
        return list(
            self.query(
                "select column_name, data_type from information_schema.columns"
                f" where table_schema={literal(schema)} and table_name={literal(table)} order by ordinal_position"
            )
        )


class PostgresSource(PostgresSide):
    def tables(self, schema):
        return [
            name
            for (name,) in self.query(
                "select table_name from information_schema.tables where table_type='BASE TABLE'"
                f" and table_schema={literal(schema)} order by 1"
            )
        ]

    def primary_key(self, schema, table):
        return [
            name
            for (name,) in self.query(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
                f" WHERE i.indisprimary AND i.indrelid = {literal(identifier(schema) + '.' + identifier(table))}::regclass"
            )
        ]

    def rows(self, schema, table, wanted, condition):
        chosen = ", ".join(
            f"to_jsonb({identifier(name)})::text" if kind in DOCUMENTS else identifier(name) for name, kind in wanted
        )
        where = f" where {condition}" if condition else ""
        yield from self.query(f"select {chosen} from {identifier(schema)}.{identifier(table)}{where}")


class MySQLSource:
    """MySQL or MariaDB; its schema is the database that the URL names."""

    TYPES = {
        **dict.fromkeys(["tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"], "bigint"),
        **dict.fromkeys(["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"], "bytea"),
        "decimal": "numeric",
        "float": "real",
        "double": "double precision",
        "datetime": "timestamp without time zone",
        "timestamp": "timestamp with time zone",
        **dict.fromkeys(
            ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"]
            + ["geometrycollection", "geomcollection"],
            "spatial",
        ),
    }

    def __init__(self, url):
        # Without decoders, values stay text.
        self.connection = mysql_connection.connect(
            url, conv=dict(pymysql.converters.encoders), cursorclass=pymysql.cursors.SSCursor
        )
        with self.connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")

    def query(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            yield from chunked(cursor)

    @staticmethod
    def quoted(name):
        return "`" + name.replace("`", "``") + "`"

    def tables(self, _schema):
        return [
            name
            for (name,) in self.query(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND table_schema = DATABASE() ORDER BY 1"
            )
        ]

    def columns(self, _schema, table):
        found = self.query(
            "SELECT column_name, data_type, column_type FROM information_schema.columns"
            f" WHERE table_schema = DATABASE() AND table_name = {literal(table)} ORDER BY ordinal_position"
        )
        return [
            (name, "boolean" if full == "bit(1)" else self.TYPES.get(kind, kind)) for name, kind, full in found
        ]

    def primary_key(self, _schema, table):
        return [
            name
            for (name,) in self.query(
                "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE()"
                f" AND table_name = {literal(table)} AND index_name = 'PRIMARY' ORDER BY seq_in_index"
            )
        ]

    def rows(self, _schema, table, wanted, condition):
        def one(name, kind):
            quoted = self.quoted(name)
            if kind == "bytea":
                return f"LOWER(HEX({quoted}))"
            if kind == "spatial":
                return f"LOWER(HEX(ST_AsWKB({quoted})))"
            if kind == "boolean":
                return f"ELT({quoted} + 1, 'f', 't')"
            if kind == "bigint":
                return f"{quoted} + 0"
            if kind == "real":
                return f"{quoted} + 0e0"  # FLOAT prints six digits only
            if kind == "timestamp with time zone":
                return f"CONCAT({quoted}, '+00')"
            return quoted

        chosen = ", ".join(one(name, kind) for name, kind in wanted)
        where = f" WHERE {condition}" if condition else ""
        yield from self.query(f"SELECT {chosen} FROM {self.quoted(table)}{where}")


class Replica(PostgresSide):
    """Redshift, asked in its own SQL."""

    def __init__(self, url):
        super().__init__(url)
        with self.connection.cursor() as cursor:
            cursor.execute("set extra_float_digits to 2")  # unless asked to, it prints 15 digits

    def rows(self, schema, replica, wanted, types):
        def one(name):
            quoted = identifier(folded(name))
            kind = types[folded(name)].lower()
            if kind == "super":
                return f"json_serialize({quoted})"
            if kind in ("json", "jsonb"):
                return f"{quoted}::text"
            if kind in ("binary varying", "varbyte", "varbinary"):
                return f"to_hex({quoted})"
            return quoted

        chosen = ", ".join(one(name) for name, _ in wanted)
        yield from self.query(f"select {chosen} from {identifier(schema)}.{identifier(replica)}")
