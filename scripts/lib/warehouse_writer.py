"""Writes to the demo's warehouse as its applications do, until SIGTERM; the open transaction is finished first.

    warehouse_writer.py --url URL

Small transactions insert and update 30 to 60 rows a second. Now and then one on a second connection, whose rows are
stamped when they are written, commits some seconds later, when newer stamps have long been replicated. Ends by printing
how many rows it committed.
"""

import json

import mysql_connection
from busy_writer import BusyWriter

CARRIERS = ["AAA", "BRR", "CYC", "DOG", "EEL", "FOX"]
STATES = ["arrived", "checked", "refused"]


class Warehouse(BusyWriter):
    def connect(self):
        connection = mysql_connection.connect(self.url)
        with connection.cursor() as cursor:
            # With gap locks, inserts would wait for the late transaction.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return connection

    def visit(self, cursor):
        """One delivery and what the forklifts do meanwhile."""
        rows = self.delivery(cursor) + self.scans(cursor) + self.stock(cursor)
        rows += self.touch(cursor, "items", "stackable = 1 - stackable, weight_kg = %s", self.random.randrange(9000) / 8, 2)
        state = self.random.choice(STATES)
        rows += self.touch(cursor, "deliveries", "updated_at = UTC_TIMESTAMP(6), state = %s", state, 1)
        if self.random.random() < 0.05:
            cursor.execute(
                "UPDATE carriers SET price_per_kg = %s WHERE code = %s",
                (self.random.randrange(1, 9000) / 1000, self.random.choice(CARRIERS)),
            )
            rows += cursor.rowcount
        return rows

    def delivery(self, cursor):
        cursor.execute(
            "INSERT INTO deliveries (carrier, state, expected_at, unloading, note, updated_at)"
            " VALUES (%s, 'announced', UTC_TIMESTAMP(), %s, %s, UTC_TIMESTAMP(6))",
            (self.random.choice(CARRIERS), f"{self.random.randrange(30)}:30:00", self.random.choice([None, "", "gift 🎁"])),
        )
        if self.random.random() < 0.7:
            return 1
        properties = json.dumps({"greeting": "Hi,\nyou", "size": [self.random.randrange(90), 1e-3]})
        cursor.execute(
            "INSERT INTO items (sku, title, kind, properties, bought_at) VALUES (%s, 'Nouvelle boîte', 'parcel', %s, NOW())",
            (f"N-{self.random.randrange(10**12)}", properties),
        )
        return 2

    def scans(self, cursor):
        count = self.random.randint(2, 6)
        some = [(self.random.randint(1, 4000), self.random.randint(-9, 9), self.random.randbytes(6)) for _ in range(count)]
        cursor.executemany("INSERT INTO scans (item_id, amount, device, scanned_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(3))", some)
        return count

    def stock(self, cursor):
        """At a random shelf, but nothing that another transaction holds."""
        cursor.execute(
            "SELECT hall, shelf, item_id FROM stock WHERE hall = %s AND shelf >= %s LIMIT 3 FOR UPDATE SKIP LOCKED",
            (self.random.choice(["A", "B", "C2", "Ø"]), self.random.randrange(240)),
        )
        found = cursor.fetchall()
        for place in found:
            cursor.execute(
                "UPDATE stock SET quantity = quantity + 1, marks = %s WHERE hall = %s AND shelf = %s AND item_id = %s",
                (self.random.choice(["", "counted", "reserved,damaged"]), *place),
            )
        return len(found)

    def touch(self, cursor, table, change, value, rows):
        cursor.execute(
            f"SELECT id FROM {table} WHERE id >= %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            (self.random.randint(1, 4000), rows),
        )
        found = [str(key) for (key,) in cursor.fetchall()]
        if found:
            cursor.execute(f"UPDATE {table} SET {change} WHERE id IN ({', '.join(found)})", (value,))
        return len(found)


Warehouse.main(__doc__.splitlines()[0])
