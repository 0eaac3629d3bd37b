"""The migration files keep to the rules that let one text serve SQLite, D1 and Postgres."""

import re

import pytest

from gateway.adapters.sql.migrations import Migration, load, still_to_apply
from shared.errors import OperatorMustAct

FILES = load()
by_file = pytest.mark.parametrize("migration", FILES, ids=[each.name for each in FILES])

FORBIDDEN = re.compile(
    r"\b(AUTOINCREMENT|WITHOUT\s+ROWID|STRICT|TRIGGER|VIEW|PRAGMA|DEFERR\w*|INTEGER|INT|REAL"
    r"|BLOB|BOOLEAN|JSONB?|SERIAL|NUMERIC|VARCHAR|TIMESTAMP\w*|DATETIME|strftime|json_\w+"
    r"|OR\s+(ROLLBACK|REPLACE|IGNORE)|IF\s+NOT\s+EXISTS|GENERATED|COLLATE)\b",
    re.IGNORECASE,
)
COLUMN = re.compile(r"^\s+([a-z_0-9]+) (.+?),?$", re.MULTILINE)
TYPE = re.compile(r"(TEXT|BIGINT|DOUBLE PRECISION)\b")
LEADERS = ("PRIMARY KEY", "FOREIGN KEY", "UNIQUE", "CHECK", "CONSTRAINT")


def bare(migration):
    """The text without comments and quoted strings."""
    return re.sub(r"--[^\n]*|'[^']*'", "", migration.text)


@by_file
def test_a_migration_uses_nothing_that_one_engine_alone_knows(migration):
    assert FORBIDDEN.findall(bare(migration)) == []


@by_file
def test_a_column_is_text_bigint_or_double_precision(migration):
    lines = [found.group(0).strip() for found in COLUMN.finditer(bare(migration))]
    columns = [COLUMN.match(f" {line}") for line in lines if not line.startswith(LEADERS)]
    wrong = [found.group(0) for found in columns if found and not TYPE.match(found.group(2))]
    assert wrong == []


@by_file
def test_a_migration_only_makes_tables_columns_and_indexes(migration):
    firsts = [" ".join(bare_words(each)[:2]).upper() for each in migration.statements()]
    firsts = ["UPDATE" if first.startswith("UPDATE ") else first for first in firsts]
    allowed = {"CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE", "ALTER TABLE", "DROP INDEX"}
    assert set(firsts) <= allowed | {"INSERT INTO", "UPDATE"}


def bare_words(statement):
    return re.sub(r"--[^\n]*", "", statement).split()


def test_there_are_migrations_numbered_without_a_gap():
    numbers = [int(each.name[:4]) for each in FILES]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_statements_are_split_where_they_end_and_not_inside_strings():
    text = "-- a; comment\nCREATE TABLE a (\n  b TEXT CHECK (b <> ';')\n);\n\nDROP INDEX c;\n"
    statements = list(Migration("0001_a.sql", text, "").statements())
    assert [bare_words(each)[0] for each in statements] == ["CREATE", "DROP"]


def test_a_statement_without_an_end_is_refused():
    with pytest.raises(OperatorMustAct, match="no end"):
        list(Migration("0001_a.sql", "DROP INDEX a;\nDROP INDEX b\n", "").statements())


@pytest.mark.parametrize(
    "names", [["1_a.sql"], ["0001_A.sql"], ["0001.sql"], ["0001_a.sql", "0001_b.sql"]]
)
def test_a_misnamed_or_twice_numbered_file_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("DROP INDEX a;")
    with pytest.raises(OperatorMustAct):
        load(tmp_path)


ONE, TWO = Migration("0001_a.sql", "", "h1"), Migration("0002_b.sql", "", "h2")


def test_what_is_applied_is_left_out():
    assert still_to_apply([ONE, TWO], {"0001_a.sql": "h1"}) == [TWO]


def test_an_applied_file_that_changed_is_refused():
    with pytest.raises(OperatorMustAct, match="changed"):
        still_to_apply([ONE, TWO], {"0001_a.sql": "other"})


def test_a_file_that_comes_before_an_applied_one_is_refused():
    with pytest.raises(OperatorMustAct, match="before"):
        still_to_apply([ONE, TWO], {"0002_b.sql": "h2"})


def test_a_database_of_a_newer_release_is_left_as_it_is():
    assert still_to_apply([ONE], {"0001_a.sql": "h1", "0002_b.sql": "h2"}) == []
