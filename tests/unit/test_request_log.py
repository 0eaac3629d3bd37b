"""One line of the log for each request, by which its id leads to it; no query, no secret."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from gateway.api.request_ids import RequestIds


async def _socket(websocket):
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def client(caplog):
    routes = [
        Route("/things/{name}", lambda _: PlainTextResponse("here")),
        Route("/healthz", lambda _: PlainTextResponse("ok")),
        WebSocketRoute("/live", _socket),
    ]
    app = RequestIds(Starlette(routes=routes), new_id=lambda: "request-1")
    with caplog.at_level(logging.INFO, logger="gateway.api.request_ids"):
        yield TestClient(app)


def lines(caplog):
    return [
        (each.message, each.request_id, each.method, each.path, each.status)
        for each in caplog.records
        if each.name == "gateway.api.request_ids"
    ]


def test_a_line_holds_the_id_that_the_answer_carries(client, caplog):
    answer = client.get("/things/one")
    assert answer.headers["x-request-id"] == "request-1"
    assert lines(caplog) == [("request.answered", "request-1", "GET", "/things/one", 200)]


def test_what_is_not_there_has_a_line_too(client, caplog):
    client.post("/nowhere", headers={"X-Request-ID": "trace-0042"})
    assert lines(caplog) == [("request.answered", "trace-0042", "POST", "/nowhere", 404)]


def test_no_line_holds_a_query(client, caplog):
    client.get("/things/one?ticket=hunter2")
    assert len(lines(caplog)) == 1
    assert "hunter2" not in str([vars(each) for each in caplog.records])


def test_a_websocket_has_a_line_when_it_is_accepted(client, caplog):
    with client.websocket_connect("/live?ticket=hunter2"):
        pass
    assert lines(caplog) == [("request.answered", "request-1", "GET", "/live", 101)]


def test_being_asked_for_ones_health_makes_no_line(client, caplog):
    client.get("/healthz")
    assert lines(caplog) == []


def test_a_path_is_cut_where_it_is_too_long_to_keep(client, caplog):
    client.get("/things/" + "x" * 5000)
    [(*_, path, _)] = lines(caplog)
    assert len(path) == 200
