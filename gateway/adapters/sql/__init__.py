"""The stores in plain SQL, one text for SQLite, D1 and Postgres, over a small engine."""
