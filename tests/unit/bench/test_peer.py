"""The peer of a submit keeps what it is compared for keeping."""

import sqlite3
from contextlib import closing

import pytest
from starlette.testclient import TestClient

from bench.gateway_process import Secrets, environment
from bench.measured_kind import SUBMITTED
from gateway.settings import load_settings

ASKED = {"kind": SUBMITTED.name, "input": {"text": "a clip of the sea", "count": 3}}


@pytest.fixture
def database(tmp_path):
    return tmp_path / "bench.sqlite3"


@pytest.fixture
def known():
    return Secrets.fresh()


@pytest.fixture
def client(database, known, monkeypatch):
    from bench.sqlalchemy_server import peer  # and SQLAlchemy, for these tests alone

    for name, value in environment(known, database).items():
        monkeypatch.setenv(name, value)
    app = peer(load_settings())
    yield TestClient(app)
    app.state.sessions.kw["bind"].dispose()


def kept(database):
    tables = ("jobs", "events", "ledger", "effects")
    with closing(sqlite3.connect(database)) as connection:
        ask = "SELECT count(*) FROM {}"
        return [connection.execute(ask.format(table)).fetchone()[0] for table in tables]


def test_a_job_is_taken_with_all_that_belongs_to_it(client, database, known):
    headers = {"Authorization": f"Bearer {known.api_key}"}

    answers = [client.post("/v1/jobs", json=ASKED, headers=headers) for _ in range(2)]

    assert [each.status_code for each in answers] == [202, 202]
    assert [each.json()["position"] for each in answers] == [0, 1]
    assert kept(database) == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("asked", "key", "status"),
    [
        (ASKED, "ck_nobody_nothing", 401),
        ({**ASKED, "kind": "another"}, None, 422),
        ({**ASKED, "input": {"text": 5}}, None, 422),
    ],
)
def test_what_is_refused_is_not_kept(client, database, known, asked, key, status):
    headers = {"Authorization": f"Bearer {key or known.api_key}"}

    answer = client.post("/v1/jobs", json=asked, headers=headers)

    assert answer.status_code == status
    assert kept(database) == [0, 0, 0, 0]


def test_it_is_as_durable_as_ours(client, database):
    engine = client.app.state.sessions.kw["bind"]

    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        ]

    assert found == ["wal", 2]
