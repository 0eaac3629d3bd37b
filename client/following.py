"""A job's events as they come: streamed, resumed after a drop, polled where nothing streams."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from httpx_sse import EventSource, SSEError, connect_sse

from client.api_calls import AWAY, TOO_MANY, ApiCalls
from client.errors import Unreachable
from client.models import Event, EventPage, Job, read
from client.problems import problem_of

# The gateway writes a comment each 15 s; silence of three of them is a dead connection.
STREAM_TIMEOUT = httpx.Timeout(10.0, read=45.0)
STREAM_TRIES = 3
POLL_WAIT_S = 20
POLL_PAUSE_S = 0.5


class _Dropped(Exception):
    """The stream broke off, or the gateway was away: ask again from the last event."""


class _OnlyPolls(Exception):
    """What answers streams nothing, as on Lambda."""


@dataclass(slots=True)
class Following:
    """One reader of one job's events; `after` is the last `seq` it has given."""

    calls: ApiCalls
    job_id: str
    after: int = -1

    def events(self) -> Iterator[Event]:
        """Yield each event once, in order, to the last one.

        Raises `ApiProblem` where the job is not to be read, `Unreachable` where the gateway
        stays away.
        """
        drops = 0
        while drops < STREAM_TRIES:
            before = self.after
            try:
                yield from self._streamed()
            except _Dropped:
                drops = 1 if self.after > before else drops + 1
                self.calls.patience.sleep(self.calls.patience.pause_s(drops) or 0.0)
            except _OnlyPolls:
                break
            else:
                return
        yield from self._polled()

    @property
    def _path(self) -> str:
        return f"/v1/jobs/{quote(self.job_id, safe='')}"

    def _streamed(self) -> Iterator[Event]:
        """Yield from one connection to the log's end. Raises `_Dropped`, `_OnlyPolls`."""
        with self._connection() as source:
            if source.response.status_code == httpx.codes.NO_CONTENT:
                return  # at or past the last event
            for event in self._new(_events(source)):
                yield event
                if event.is_last:
                    return
        raise _Dropped

    @contextmanager
    def _connection(self) -> Iterator[EventSource]:
        headers = {"Last-Event-ID": str(self.after)} if self.after >= 0 else {}
        try:
            with connect_sse(
                self.calls.http,
                "GET",
                f"{self._path}/events",
                headers=headers,
                timeout=STREAM_TIMEOUT,
            ) as source:
                _check(source.response)
                yield source
        except (httpx.TransportError, SSEError) as error:
            raise _Dropped from error

    def _polled(self) -> Iterator[Event]:
        while True:
            body = self.calls.get(
                f"{self._path}/events", {"after": self.after, "wait_s": POLL_WAIT_S}
            )
            page = read(EventPage, body)
            for event in self._new(page.events):
                yield event
                if event.is_last:
                    return
            if not page.events:
                if self._is_past_the_end():
                    return
                self.calls.patience.sleep(POLL_PAUSE_S)

    def _is_past_the_end(self) -> bool:
        job = read(Job, self.calls.get(self._path))
        return job.is_final and self.after >= job.seq

    def _new(self, events: Any) -> Iterator[Event]:
        for event in events:
            if event.seq > self.after:
                self.after = event.seq
                yield event


def _check(answer: httpx.Response) -> None:
    if answer.status_code in AWAY or answer.status_code == TOO_MANY:
        raise _Dropped
    if answer.is_error:
        answer.read()
        raise problem_of(answer)
    is_stream = "text/event-stream" in answer.headers.get("content-type", "")
    if not is_stream and answer.status_code != httpx.codes.NO_CONTENT:
        raise _OnlyPolls


def _events(source: EventSource) -> Iterator[Event]:
    for line in source.iter_sse():
        if not line.data:
            continue  # a comment: httpx-sse gives one where an id came before
        try:
            body = line.json()
        except ValueError as error:
            raise Unreachable("the server's stream holds no events") from error
        yield read(Event, body)
