"""Compares every row of source tables with their replicas, by primary key.

    compare_rows.py --source URL --destination URL [--schema public] [--into public] [--json]
                    [--ignore TABLE.COLUMN …] [--where 'TABLE:condition at the source' …] [TABLE | TABLE:REPLICA …]

The source is PostgreSQL, MySQL or MariaDB (whose schema is the URL's database), and the destination speaks Redshift's SQL.
Values are read as text and brought to one form by the source's type: numbers by value, JSON as documents with exact
numbers. Without tables it takes every base table of the schema. What Redshift cannot hold (text over 65,535 bytes, NUL, infinities) is not for this
program: such rows count as different.

Prints a line for each table; with --json one document. Exit 0 when all are equal, 1 when not, 2 when it could not tell.
"""

import argparse
import decimal
import hashlib
import json
import re
import struct
import sys

import psycopg2
import pymysql

from compare_sides import Replica, folded, source_of

SHOWN_KEYS = 5
EXACT = decimal.Context(prec=100_000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)


def number(text):
    """A JSON number, marked by a character that no JSON string of a database holds; 1, 1.0 and 10e-1 are the same."""
    return "\0" + str(EXACT.create_decimal(text).normalize(EXACT))


def document(text):
    return json.dumps(json.loads(text, parse_float=number, parse_int=number), sort_keys=True)


def decimal_of(held):
    return EXACT.create_decimal(held.replace("$", "").replace(",", "")).normalize(EXACT)


def without_zeros(held):
    """Redshift may print fractions of a second to the last of six digits."""
    return re.sub(r"(\.\d*?)0+(?=\D|$)", lambda match: match[1].rstrip("."), held)


# The one form of a value of a source type, whichever side it comes from. Other types are taken as they are.
FORMS = {
    "json": document,
    "jsonb": document,
    "ARRAY": document,
    "super": document,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "numeric": decimal_of,
    "money": decimal_of,
    "real": lambda held: struct.pack("f", float(held)),  # a source may print more digits than its type holds
    "double precision": float,
    "timestamp with time zone": without_zeros,
    "timestamp without time zone": without_zeros,
    "character": lambda held: held.rstrip(" "),
    "bytea": lambda held: held.removeprefix("\\x"),
}


def fingerprint(values):
    return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def compare(source, destination, schema, into, entry, ignored=(), conditions=None):
    """A dictionary with the table's name, `equal`, the number of source rows, and in words what differs."""
    table, _, replica = entry.partition(":")
    replica = replica or folded(table)
    wanted = [(name, kind) for name, kind in source.columns(schema, table) if f"{table}.{name}" not in ignored]
    types = dict(destination.columns(into, replica))
    result = {"table": table, "equal": False, "rows": 0, "problems": []}
    if not wanted:
        result["problems"].append("the source has no such table")
        return result
    # Composites and other types of the source's own arrive as documents.
    wanted = [(name, "super" if types.get(folded(name)) == "super" else kind) for name, kind in wanted]
    missing = [name for name, _ in wanted if folded(name) not in types]
    if missing:
        result["problems"].append("the replica lacks " + (", ".join(missing) if types else "the table"))
        return result

    names = [name for name, _ in wanted]
    places = [names.index(name) for name in source.primary_key(schema, table)] or list(range(len(names)))
    forms = [(place, FORMS[kind]) for place, (_, kind) in enumerate(wanted) if kind in FORMS]

    def keyed(rows):
        for row in rows:
            values = list(row)
            for place, form in forms:
                if values[place] is not None:
                    values[place] = form(values[place])
            yield ", ".join(str(values[place]) for place in places), fingerprint(values)

    expected = {}
    for key, print_of_row in keyed(source.rows(schema, table, wanted, (conditions or {}).get(table))):
        expected.setdefault(key, []).append(print_of_row)
        result["rows"] += 1
    extra, changed = [], []
    for key, print_of_row in keyed(destination.rows(into, replica, wanted, types)):
        waiting = expected.get(key)
        if not waiting:
            extra.append(key)
            continue
        if print_of_row in waiting:
            waiting.remove(print_of_row)
        else:
            waiting.pop()
            changed.append(key)
    lost = [key for key, waiting in expected.items() for _ in waiting]
    for label, keys in (("missing in the replica", lost), ("too many in the replica", extra), ("different", changed)):
        if keys:
            result["problems"].append(f"{len(keys)} rows {label}, for example with key {'; '.join(keys[:SHOWN_KEYS])}")
    result["equal"] = not result["problems"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--destination", required=True)
    parser.add_argument("--schema", default="public")
    parser.add_argument("--into", default="public")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ignore", action="append", default=[], metavar="TABLE.COLUMN")
    parser.add_argument("--where", action="append", default=[], metavar="TABLE:CONDITION")
    parser.add_argument("tables", nargs="*")
    arguments = parser.parse_args()
    source, destination = source_of(arguments.source), Replica(arguments.destination)
    tables = arguments.tables or source.tables(arguments.schema)
    if not tables:
        sys.exit(f"compare_rows: no table in schema {arguments.schema} of the source")
    conditions = dict(entry.split(":", 1) for entry in arguments.where)
    results = [
        compare(source, destination, arguments.schema, arguments.into, table, set(arguments.ignore), conditions)
        for table in tables
    ]
    equal = all(result["equal"] for result in results)
    rows = sum(result["rows"] for result in results)
    if arguments.json:
        print(json.dumps({"equal": equal, "rows": rows, "tables": results}, ensure_ascii=False))
    else:
        for result in results:
            words = "equal" if result["equal"] else "; ".join(result["problems"])
            print(f"{result['table']}: {result['rows']} rows, {words}")
    return 0 if equal else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (psycopg2.Error, pymysql.Error) as error:
        print(f"compare_rows: {error}", file=sys.stderr)
        sys.exit(2)
