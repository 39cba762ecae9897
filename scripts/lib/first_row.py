"""Waits until the first row of this run of the demo is in the replica, then prints the seconds since its start.

    first_row.py --destination URL --since UNIX_TIME (--event ID | --table NAME …)

On a fresh replica any row of the tables counts; on a later run it is the event that was written for this.
"""

import argparse
import time
from urllib.parse import unquote, urlsplit

import psycopg2


def found(cursor, sql):
    try:
        cursor.execute(sql)
        return cursor.fetchone() is not None
    except psycopg2.errors.UndefinedTable:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--destination", required=True)
    parser.add_argument("--since", type=float, required=True)
    parser.add_argument("--event", type=int)
    parser.add_argument("--table", action="append", default=[])
    arguments = parser.parse_args()
    parts = urlsplit(arguments.destination)
    connection = psycopg2.connect(
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=unquote(parts.password),
        dbname=parts.path[1:],
        gssencmode="disable",
    )
    connection.autocommit = True
    looks = [f"SELECT 1 FROM public.{table} LIMIT 1" for table in arguments.table]
    if arguments.event is not None:
        looks = [f"SELECT 1 FROM public.events WHERE id = {arguments.event} LIMIT 1"]
    with connection.cursor() as cursor:
        while not any(found(cursor, sql) for sql in looks):
            time.sleep(0.3)
    print(f"{time.time() - arguments.since:.1f}", flush=True)


main()
