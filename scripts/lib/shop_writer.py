"""Writes to the demo's shop as a busy application does, until SIGTERM; the open transaction is finished first.

    shop_writer.py --url URL

Small transactions insert and update 50 to 100 rows a second in all five tables. Now and then one on a second connection
stamps its rows with the time of its start and commits some seconds later, when newer stamps have long been replicated.
Ends by printing how many rows it committed.
"""

import json

import psycopg2

from busy_writer import BusyWriter

NAMES = ["Ines Çelik", "Bo Ø", "李雷", "Ada \"the first\" L.", "Renée 🌿", "O'Hara", "Владимир"]


class Shop(BusyWriter):
    def connect(self):
        return psycopg2.connect(self.url, gssencmode="disable", application_name="shop")

    def visit(self, cursor):
        """One customer's visit: returns the number of rows inserted and updated."""
        customer = self.customer(cursor)
        rows = 1 + self.order(cursor, customer) + self.events(cursor, customer)
        rows += self.touch(cursor, "products", "price = round(price * %s, 2)", self.random.uniform(0.98, 1.02), 1)
        rows += self.touch(cursor, "orders", "status = %s", self.random.choice(["paid", "shipped", "delivered"]), 3)
        return rows

    def customer(self, cursor):
        if self.random.random() < 0.3:
            name = self.random.choice(NAMES)
            cursor.execute(
                "INSERT INTO customers (name, email, preferences) VALUES (%s, %s, %s) RETURNING id",
                (name, f"new{self.random.randrange(10**9)}@example.com", json.dumps({"greeting": f"Hi, {name}\n"})),
            )
        else:
            cursor.execute(
                "UPDATE customers SET credit = coalesce(credit, 0) + %s, newsletter = NOT newsletter, updated_at = now()"
                " WHERE id = (SELECT id FROM customers WHERE id >= %s ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)"
                " RETURNING id",
                (self.random.randrange(-500, 500) / 100, self.random.randint(1, 19000)),
            )
        return cursor.fetchone()[0]

    def order(self, cursor, customer):
        lines = self.random.randint(1, 6)
        cursor.execute(
            "INSERT INTO orders (customer_id, status, total, note, ordered_at) VALUES (%s, 'new', 0, %s, now()) RETURNING id",
            (customer, self.random.choice([None, "", "gift 🎁", 'say "hi"'])),
        )
        (order,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO order_lines (order_id, line_no, product_id, quantity, price)"
            " SELECT %s, line, 1 + floor(random() * 2000), 1 + floor(random() * 4), round((random() * 90)::numeric, 2)"
            " FROM generate_series(1, %s) line",
            (order, lines),
        )
        cursor.execute(
            "UPDATE orders SET total = (SELECT sum(quantity * price) FROM order_lines WHERE order_id = %s) WHERE id = %s",
            (order, order),
        )
        return 1 + lines

    def events(self, cursor, customer):
        count = self.random.randint(2, 6)
        payload = json.dumps({"page": f"/p/{self.random.randint(1, 2000)}", "note": "tab\t and \\ and ü", "ok": True})
        cursor.execute(
            "INSERT INTO events (customer_id, kind, payload) SELECT %s, 'view', %s::jsonb FROM generate_series(1, %s)",
            (customer, payload, count),
        )
        return count

    def touch(self, cursor, table, change, value, rows):
        """Updates rows at a random place, but none that another transaction holds."""
        cursor.execute(
            f"UPDATE {table} SET {change}, updated_at = now() WHERE id IN (SELECT id FROM {table} WHERE id >="
            f" (SELECT floor(random() * max(id)) FROM {table}) ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)",
            (value, rows),
        )
        return cursor.rowcount


Shop.main(__doc__.splitlines()[0])
