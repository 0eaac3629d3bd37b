"""The client: one method for each thing an app does."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self, overload
from urllib.parse import quote
from uuid import uuid4

import httpx

from client import listing
from client.api_calls import KEY_HEADER, ApiCalls
from client.bucket import Bucket, OnProgress, SignedGet
from client.errors import TransferFailed
from client.following import Following
from client.local_file import LocalFile
from client.models import (
    Asset,
    DryRun,
    Event,
    Job,
    Kind,
    Output,
    PlannedFrame,
    PlanPreview,
    Ticket,
    read,
)
from client.patience import Patience
from client.uploading import MULTIPART_FROM_BYTES, WORKERS, Uploading, path_of

_NONE: Mapping[str, str] = MappingProxyType({})
_SETTLE_POLL_S = 0.25
_TRIES, _BUCKET_TRIES = 8, 4


def _unheard(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


def _unnamed(_upload_id: str) -> None:
    """Nobody means to go on with it later."""


class Cutroom:
    """A gateway under one key. Close it, or use it as a context manager.

        with Cutroom("https://api.example.com", key) as cutroom:
            asset = cutroom.upload(Path("clip.mp4"))
            job = cutroom.submit("export.framing", {"source": {"asset_id": asset.asset_id}, …})
            done = cutroom.wait(job.id)
            cutroom.download(done.output("video"), Path("out.mp4"))

    Calls may be made from several threads at once. Calls that do nothing new when repeated
    are, while the gateway is away or asks to come back soon: those that read, `submit` and
    `retry` (under an idempotency key), `cancel`, and the steps of an upload once it is
    begun. `sleep` is how the client waits, `spread` (0 to 1) varies for how long.

    Every method raises `ApiProblem`, or one of its kinds, where the gateway refuses and
    `Unreachable` where it does not answer.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._sleep = sleep
        self._with_bucket = Patience(sleep, spread, _BUCKET_TRIES)
        trusted = httpx.create_ssl_context()  # read once for both: it takes 20 ms and more
        self._calls = ApiCalls(base_url, api_key, Patience(sleep, spread, _TRIES), trusted)
        self._bucket = Bucket(self._with_bucket, trusted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._calls.http.close()
        self._bucket.http.close()

    def kinds(self) -> list[Kind]:
        """Return what work is on offer."""
        return [read(Kind, each) for each in self._calls.get("/v1/kinds")["kinds"]]

    def upload(
        self,
        path: Path,
        on_progress: OnProgress = _unheard,
        *,
        content_type: str | None = None,
        duration_s: float | None = None,
        resume: str | None = None,
        on_begun: Callable[[str], object] = _unnamed,
        multipart_from_bytes: int = MULTIPART_FROM_BYTES,
        workers: int = WORKERS,
    ) -> Asset:
        """Put a file straight into the bucket and return it as an asset.

        One PUT below `multipart_from_bytes`; from there on in parts, `workers` at a time.
        `on_progress(there_bytes, all_bytes)` is called as it goes, in the caller's thread:
        what it raises ends the upload. The type comes from the file's name unless given.

        `on_begun(upload_id)` is called first: with that id as `resume` a later call goes on
        where this one broke off, until the upload expires. Parts that have arrived are not
        put again; that they are this file's is known by their lengths alone. Raises
        `TransferFailed` too.
        """
        file = LocalFile.of(path)
        uploading = Uploading(
            self._calls, self._bucket, self._with_bucket, multipart_from_bytes, workers
        )
        if resume is None:
            promise = uploading.begin(file, content_type, duration_s)
        else:
            promise = uploading.begun(resume, file)
        on_begun(promise.upload_id)
        return uploading.finish(promise, file, on_progress)

    def abort_upload(self, upload_id: str) -> None:
        """Call an upload off; what was put of it goes. Raises `Conflict` once complete."""
        self._calls.delete(path_of(upload_id))

    def asset(self, asset_id: str) -> Asset:
        """Return an asset."""
        return read(Asset, self._calls.get(_asset_path(asset_id)))

    def delete_asset(self, asset_id: str) -> None:
        """Delete an asset. Raises `Conflict` while an unfinished job reads it."""
        self._calls.delete(_asset_path(asset_id))

    @overload
    def submit(
        self,
        kind: str,
        input: Mapping[str, Any],
        *,
        idempotency_key: str | None = ...,
        labels: Mapping[str, str] = ...,
        deadline_s: int | None = ...,
        max_cost_usd: Decimal | None = ...,
        reuse: bool = ...,
        dry_run: Literal[False] = ...,
        wait_s: int | None = ...,
    ) -> Job: ...

    @overload
    def submit(
        self,
        kind: str,
        input: Mapping[str, Any],
        *,
        labels: Mapping[str, str] = ...,
        deadline_s: int | None = ...,
        max_cost_usd: Decimal | None = ...,
        reuse: bool = ...,
        dry_run: Literal[True],
    ) -> DryRun: ...

    def submit(
        self,
        kind: str,
        input: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        labels: Mapping[str, str] = _NONE,
        deadline_s: int | None = None,
        max_cost_usd: Decimal | None = None,
        reuse: bool = False,
        dry_run: bool = False,
        wait_s: int | None = None,
    ) -> Job | DryRun:
        """Hand in a job; under a key used before, return the job of that time.

        Without `idempotency_key` the call makes one of its own, so that a repeat after a
        lost answer does not make a second job. With `wait_s` the gateway may hold its
        answer so long for the job to end, 25 s at most. `reuse`: take what an earlier job
        made of the very same, if it is there, at once and free. `dry_run`: return what it
        would cost and make; nothing is kept. `max_cost_usd`: what it may cost at most, further
        attempts included.
        """
        body: dict[str, Any] = {"kind": kind, "input": dict(input), "labels": dict(labels)}
        if deadline_s is not None:
            body["deadline_s"] = deadline_s
        if max_cost_usd is not None:
            body["max_cost_usd"] = f"{max_cost_usd:f}"
        if reuse:
            body["reuse"] = True
        headers = {KEY_HEADER: idempotency_key or str(uuid4())}
        if dry_run:
            return read(DryRun, self._calls.post("/v1/jobs", body | {"dry_run": True}, headers))
        if wait_s is not None:
            headers["Prefer"] = f"wait={wait_s}"
        return read(Job, self._calls.post("/v1/jobs", body, headers))

    def preview_plan(
        self,
        kind: str,
        input: Mapping[str, Any],
        *,
        footage: Mapping[str, Any] | None = None,
        frames: range | None = None,
    ) -> PlanPreview:
        """Return what an export would render; nothing is made and nothing charged.

        `footage`: `width_px`, `height_px`, `rate` and `frames` of the video; None where
        `source` was looked at by a worker before. `frames`, on the input's timeline: all
        that are kept, unless said.
        """
        body: dict[str, Any] = {"kind": kind, "input": dict(input)}
        if footage is not None:
            body["footage"] = dict(footage)
        if frames is not None:
            body |= {"from": frames.start, "to": frames.stop, "step": frames.step}
        shown: list[PlannedFrame] = []
        while True:
            answer = self._calls.post("/v1/preview/plan", body, repeatable=True)
            page = read(PlanPreview, answer)
            shown += page.frames
            if page.next_from is None:
                return page.model_copy(update={"frames": tuple(shown)})
            body["from"] = page.next_from

    def job(self, job_id: str) -> Job:
        """Return a job as it stands, its output URLs signed afresh."""
        return read(Job, self._calls.get(_path(job_id)))

    def jobs(
        self,
        *,
        status: str | None = None,
        kind: str | None = None,
        labels: Mapping[str, str] = _NONE,
        parent_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Yield jobs, newest first: all there are, or `limit`.

        With `labels` those that have every one of them.
        """
        given = {"status": status, "kind": kind, "parent_id": parent_id}
        wanted = {name: value for name, value in given.items() if value is not None}
        wanted |= {f"label.{name}": value for name, value in labels.items()}
        return listing.jobs(self._calls, wanted, limit)

    def events(self, job_id: str, after: int = -1) -> Iterator[Event]:
        """Yield a job's events from `after` on, as they happen, to the last one.

        A dropped stream is taken up again where it broke; where nothing streams it polls.
        A day after its end a job may have its last event alone.
        """
        return Following(self._calls, job_id, after).events()

    def wait(
        self, job_id: str, on_event: Callable[[Event], object] = lambda _event: None
    ) -> Job:
        """Follow a job to its end and return it, with fresh output URLs."""
        for event in self.events(job_id):
            on_event(event)
        return self.job(job_id)

    def settled(self, job_id: str, *, within_s: float = 5.0) -> Job:
        """Return a finished job once its cost is known, or as it is after `within_s`."""
        job, waited_s = self.job(job_id), 0.0
        while waited_s < within_s and (job.cost is None or job.cost.actual_usd is None):
            self._sleep(_SETTLE_POLL_S)
            waited_s += _SETTLE_POLL_S
            job = self.job(job_id)
        return job

    def ticket(self, job_id: str) -> Ticket:
        """Return what lets a browser watch this job, which holds no key."""
        return read(Ticket, self._calls.post(f"{_path(job_id)}/ticket", {}))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. Raises `Conflict` `already_finished` where that is too late."""
        return read(Job, self._calls.post(f"{_path(job_id)}/cancel", {}, repeatable=True))

    def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """Return a new job with the input of one that failed, was cancelled or expired.

        Raises `Conflict` `not_retryable` for any other.
        """
        headers = {KEY_HEADER: idempotency_key or str(uuid4())}
        return read(Job, self._calls.post(f"{_path(job_id)}/retry", {}, headers))

    def delete(self, job_id: str) -> None:
        """Delete a job with its files. Raises `Conflict` `still_running` before its end."""
        self._calls.delete(_path(job_id))

    def download(
        self, what: Output | Asset, path: Path, on_progress: OnProgress = _unheard
    ) -> Path:
        """Fetch a file; `path` appears only once its size is right, and its hash if known.

        Raises `TransferFailed`.
        """
        if isinstance(what, Asset):
            url = self._calls.location(f"{_asset_path(what.asset_id)}/content")
            wanted = SignedGet(url, what.filename, what.size_bytes, what.sha256)
        elif what.url is not None:
            wanted = SignedGet(what.url, what.name, what.size_bytes, what.sha256)
        else:
            raise TransferFailed(f"{what.name} has no URL: it is an event's, or kept no more")
        return self._bucket.get(wanted, path, on_progress)


def _path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _asset_path(asset_id: str) -> str:
    return f"/v1/assets/{quote(asset_id, safe='')}"
