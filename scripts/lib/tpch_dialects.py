"""What tpch_churn.py says differently to PostgreSQL and to MySQL or MariaDB."""

import mysql_connection


def dialect_of(url):
    return MySQLDialect(url) if mysql_connection.is_mysql(url) else PostgresDialect(url)


class PostgresDialect:
    # When a transaction's rows are stamped: with its start, before its start, and with the time of the writing itself.
    BEGAN, BEFORE, WRITTEN = "now()", "now() - interval '20 seconds'", "clock_timestamp()"
    # Before a string with backslash escapes, and division without a remainder.
    STRING, DIVIDE = "E", "/"

    def __init__(self, url):
        self.url = url

    def connect(self):
        import psycopg2

        return psycopg2.connect(self.url, gssencmode="disable", application_name="tpch-churn")

    def begin(self, cursor):
        """The driver begins a transaction with its first statement."""

    def tables(self, cursor):
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {name for (name,) in cursor.fetchall()}

    def columns(self, cursor, table):
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            (f"public.{table}",),
        )
        return [name for (name,) in cursor.fetchall()]

    def insert(self, cursor, table, columns, chosen, first, last):
        """One row for each number `n`; `chosen` may take values from a row `model` that is there."""
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {chosen}"
            f" FROM generate_series(%s, %s) n, (SELECT * FROM {table} LIMIT 1) model",
            (first, last),
        )
        return cursor.rowcount

    def update(self, cursor, table, key, change, place, rows):
        names = ", ".join(key)
        cursor.execute(
            f"UPDATE {table} SET {change} WHERE ({names}) IN"
            f" (SELECT {names} FROM {table} WHERE {key[0]} >= %s ORDER BY {names} LIMIT %s FOR UPDATE SKIP LOCKED)",
            (place, rows),
        )
        return cursor.rowcount


class MySQLDialect:
    # NOW() is the time of the statement, so the start of a transaction is kept; SYSDATE() is the time of the writing.
    BEGAN, BEFORE, WRITTEN = "@began", "@began - INTERVAL 20 SECOND", "SYSDATE(6)"
    STRING, DIVIDE = "", "DIV"

    def __init__(self, url):
        self.url = url

    def connect(self):
        connection = mysql_connection.connect(self.url)
        with connection.cursor() as cursor:
            # With gap locks, every insert would wait for the late transactions.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            mariadb = "MariaDB" in connection.get_server_info()
            limit = "max_recursive_iterations" if mariadb else "cte_max_recursion_depth"
            cursor.execute(f"SET SESSION {limit} = 1000000, SESSION innodb_lock_wait_timeout = 20")
        return connection

    def begin(self, cursor):
        cursor.execute("START TRANSACTION")
        cursor.execute("SET @began = NOW(6)")

    def tables(self, cursor):
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        return {name for (name,) in cursor.fetchall()}

    def columns(self, cursor, table):
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
            " ORDER BY ordinal_position",
            (table,),
        )
        return [name for (name,) in cursor.fetchall()]

    def insert(self, cursor, table, columns, chosen, first, last):
        cursor.execute(
            f"INSERT INTO {table} ({columns}) WITH RECURSIVE numbers (n) AS"
            f" (SELECT %s UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
            f" SELECT {chosen} FROM numbers, (SELECT * FROM {table} LIMIT 1) model",
            (first, last),
        )
        return cursor.rowcount

    def update(self, cursor, table, key, change, place, rows):
        """In two steps: an UPDATE cannot read the table that it changes, nor a subquery have a LIMIT."""
        names = ", ".join(key)
        cursor.execute(
            f"SELECT {names} FROM {table} WHERE {key[0]} >= %s ORDER BY {names} LIMIT %s FOR UPDATE SKIP LOCKED",
            (place, rows),
        )
        chosen = [" AND ".join(f"{name} = {value}" for name, value in zip(key, row)) for row in cursor.fetchall()]
        if not chosen:
            return 0
        cursor.execute(f"UPDATE {table} SET {change} WHERE " + " OR ".join(f"({one})" for one in chosen))
        return cursor.rowcount
