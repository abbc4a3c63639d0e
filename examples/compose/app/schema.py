"""Makes the tables, once the database is healthy."""

from database import transaction

with transaction() as statements:
    statements.execute("CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, what text)")
print("the tables are there")
