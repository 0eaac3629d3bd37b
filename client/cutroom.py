"""The client: one method for each thing an app does."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

from client.api_calls import PAUSES_S, ApiCalls, Sleep
from client.bucket import TRIES, Bucket, Dropped, OnProgress, sha256_of
from client.errors import ApiProblem, TransferFailed
from client.following import Following
from client.models import Asset, Estimate, Event, Job, Kind, Output, UploadPromise, read

TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".mp4": "video/mp4",
        ".m4v": "video/mp4",
        ".mov": "video/quicktime",
        ".webm": "video/webm",
        ".mkv": "video/x-matroska",
        ".avi": "video/x-msvideo",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".webp": "image/webp",
        ".mp3": "audio/mpeg",
        ".wav": "audio/wav",
        ".m4a": "audio/mp4",
        ".aac": "audio/aac",
        ".ogg": "audio/ogg",
    }
)
UNKNOWN_TYPE = "application/octet-stream"  # which the gateway refuses in plain words
_NONE: Mapping[str, str] = MappingProxyType({})
_SETTLE_POLL_S = 0.25


def _unheard(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


class Cutroom:
    """A gateway under one key. Close it, or use it as a context manager.

        with Cutroom("https://api.example.com", key) as cutroom:
            asset = cutroom.upload(Path("clip.mp4"))
            job = cutroom.submit("export.framing", {"source": {"asset_id": asset.asset_id}, …})
            done = cutroom.wait(job.id)
            cutroom.download(done.output("video"), Path("out.mp4"))

    Calls may be made from several threads at once. While the gateway is away, each is
    repeated for about 17 s; `sleep` is how it waits. Every method raises `ApiProblem` where
    the gateway refuses and `Unreachable` where it does not answer.
    """

    def __init__(self, base_url: str, api_key: str, *, sleep: Sleep = time.sleep) -> None:
        self._calls = ApiCalls(base_url, api_key, sleep)
        self._bucket = Bucket(sleep)
        self._sleep = sleep

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
    ) -> Asset:
        """Put a file straight into the bucket and return it as an asset.

        `on_progress(sent_bytes, all_bytes)` is called as it goes. The type comes from the
        file's name unless given. Raises `TransferFailed` too.
        """
        size_bytes, sha256 = sha256_of(path)
        asked = {
            "filename": path.name,
            "content_type": content_type or TYPES.get(path.suffix.lower(), UNKNOWN_TYPE),
            "size_bytes": size_bytes,
            "sha256": sha256,
        }
        if duration_s is not None:
            asked["duration_s"] = duration_s
        promise = read(UploadPromise, self._calls.post("/v1/uploads", asked))
        return self._put(promise, path, size_bytes, on_progress)

    def submit(
        self,
        kind: str,
        input: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        labels: Mapping[str, str] = _NONE,
        deadline_s: int | None = None,
    ) -> Job:
        """Hand in a job; under a key used before, return the job of that time.

        Without `idempotency_key` the call makes one of its own, so that a repeat after a
        lost answer does not make a second job.
        """
        body: dict[str, Any] = {"kind": kind, "input": dict(input), "labels": dict(labels)}
        if deadline_s is not None:
            body["deadline_s"] = deadline_s
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        return read(Job, self._calls.post("/v1/jobs", body, headers))

    def estimate(self, kind: str, input: Mapping[str, Any]) -> Estimate:
        """Return what a job would cost and take; nothing is kept."""
        body = {"kind": kind, "input": dict(input), "dry_run": True}
        return read(Estimate, self._calls.post("/v1/jobs", body)["estimate"])

    def job(self, job_id: str) -> Job:
        """Return a job as it stands, its output URLs signed afresh."""
        return read(Job, self._calls.get(_path(job_id)))

    def events(self, job_id: str, after: int = -1) -> Iterator[Event]:
        """Yield a job's events from `after` on, as they happen, to the last one.

        A dropped stream is taken up again where it broke; where nothing streams it polls.
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

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. Raises `ApiProblem` `already_finished` where that is too late."""
        return read(Job, self._calls.post(f"{_path(job_id)}/cancel", {}))

    def download(self, output: Output, path: Path, on_progress: OnProgress = _unheard) -> Path:
        """Fetch an output; `path` appears only once its size and hash are right.

        Raises `TransferFailed`.
        """
        return self._bucket.get(output, path, on_progress)

    def _put(
        self, promise: UploadPromise, path: Path, size_bytes: int, on_progress: OnProgress
    ) -> Asset:
        """Put, and where the connection broke ask the gateway whether it arrived."""
        for pause_s in PAUSES_S[:TRIES]:
            try:
                self._bucket.put(promise, path, size_bytes, on_progress)
                return self._complete(promise)
            except Dropped:
                try:
                    return self._complete(promise)
                except ApiProblem as problem:
                    if problem.code != "object_missing":
                        raise
            self._sleep(pause_s)
        raise TransferFailed(f"the upload of {path.name} broke off")

    def _complete(self, promise: UploadPromise) -> Asset:
        path = f"/v1/uploads/{quote(promise.upload_id, safe='')}/complete"
        return read(Asset, self._calls.post(path, {}))


def _path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"
