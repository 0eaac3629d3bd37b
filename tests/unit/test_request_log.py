"""One line of the log for each request, by which its id leads to it; no query, no secret."""

import io
import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from gateway.api.request_ids import RequestIds, trace_of
from shared.logs import JsonLines, add_log_fields


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


TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def traced(app):
    return RequestIds(app, new_id=lambda: "request-1", new_trace=lambda: "f" * 32)


async def _trace(scope, _receive, send):
    answer = PlainTextResponse(f"{trace_of(scope)} {line_of_now()['trace']}")
    await answer(scope, _receive, send)


def line_of_now():
    return json.loads(JsonLines().format(logging.makeLogRecord({"msg": "now"})))


@pytest.mark.parametrize(
    ("sent", "trace"),
    [([PARENT], TRACE), ([], "f" * 32), ([PARENT, PARENT], "f" * 32), (["nonsense"], "f" * 32)],
)
def test_a_request_is_under_its_callers_trace_or_a_new_one(sent, trace):
    headers = [("traceparent", each) for each in sent]
    answer = TestClient(traced(_trace)).get("/", headers=headers)
    assert answer.text == f"{trace} {trace}"


def test_what_is_learnt_on_the_way_is_on_the_requests_own_line():
    async def learns(scope, receive, send):
        add_log_fields(job_id="j1", trace=TRACE)
        await PlainTextResponse("")(scope, receive, send)

    lines, handler = io.StringIO(), logging.getLogger("gateway.api.request_ids")
    stream = logging.StreamHandler(lines)
    stream.setFormatter(JsonLines())
    handler.addHandler(stream)
    handler.setLevel(logging.INFO)
    try:
        TestClient(traced(learns)).get("/a")
    finally:
        handler.removeHandler(stream)
        handler.setLevel(logging.NOTSET)
    line = json.loads(lines.getvalue())
    assert (line["job_id"], line["trace"], line["request_id"]) == ("j1", TRACE, "request-1")


def test_what_one_request_learnt_is_not_on_the_lines_of_the_next():
    async def learns(scope, receive, send):
        told = line_of_now()
        add_log_fields(job_id="j1")
        await PlainTextResponse(str("job_id" in told))(scope, receive, send)

    client = TestClient(traced(learns))
    assert [client.get("/").text for _ in range(2)] == ["False", "False"]
    assert "trace" not in line_of_now()
