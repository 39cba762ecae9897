"""Makes one TPC-H table in MySQL or MariaDB and fills it from a CSV file.

    tpch_mysql.py --url URL --definition 'CREATE TABLE …' [--days-ago N] TABLE FILE

The file's first line names the columns. The rows share one `updated_at`. Prints their number.
"""

import argparse
import csv
import itertools

import mysql_connection

ROWS_IN_A_STATEMENT = 2000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--definition", required=True)
    parser.add_argument("--days-ago", type=int, default=0)
    parser.add_argument("table")
    parser.add_argument("file")
    arguments = parser.parse_args()
    connection = mysql_connection.connect(arguments.url)
    definition = arguments.definition.strip().rstrip(";")
    with connection.cursor() as cursor, open(arguments.file, encoding="utf-8", newline="") as file:
        # The database's own settings must not decide whether a table keeps all characters.
        cursor.execute(f"{definition} ENGINE = InnoDB DEFAULT CHARSET = utf8mb4")
        cursor.execute(
            f"ALTER TABLE {arguments.table} ADD COLUMN updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"
        )
        cursor.execute("SET unique_checks = 0, @now = NOW(6) - INTERVAL %s DAY", (arguments.days_ago,))
        rows = csv.reader(file)
        columns = ", ".join(next(rows))
        insert = f"INSERT INTO {arguments.table} ({columns}, updated_at) VALUES "
        quoted, count = connection.escape, 0
        while some := list(itertools.islice(rows, ROWS_IN_A_STATEMENT)):
            # Digits in quotes are numbers and dates to the server, whatever the column.
            cursor.execute(insert + ", ".join(f"({', '.join(map(quoted, row))}, @now)" for row in some))
            count += len(some)
        connection.commit()
        cursor.execute(f"CREATE INDEX {arguments.table}_updated_at ON {arguments.table} (updated_at)")
        cursor.execute(f"ANALYZE TABLE {arguments.table}")
    print(count)


main()
