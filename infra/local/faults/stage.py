"""One private stack to break: watched over, broken from outside, and looked through."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from infra.local.faults import failpoints
from infra.local.faults.failpoints import Deed, Shot
from infra.local.faults.fault_clock import set_ahead
from infra.local.faults.promises import (
    Broken,
    Bucket,
    Witness,
    broken_at_last,
    broken_promises,
)
from infra.local.object_store.faults import Wrong
from infra.local.object_store.refusal import Refusal
from infra.local.runpod.faults import Effect, Fault, FaultKind
from infra.local.runpod.fleet import WorkerView
from infra.local.stack.config import BUCKET, StackConfig
from infra.local.stack.local_stack import LocalStack

POLL_S = 0.03
CALM_WITHIN_S = 40.0
# By then uploads, those in parts too, and all URLs are dead; nothing that is kept is old.
LATER_S = 2.5 * 24 * 3600
GATEWAY_APP = "infra.local.faults.gateway_app:app"
IMPATIENT = {
    "CUTROOM_TIMINGS_TICK_S": "0.25",
    "CUTROOM_TIMINGS_SUSPECT_AFTER_S": "1.5",
    "CUTROOM_TIMINGS_LOST_AFTER_S": "10",  # a worker is heard every 3 s
    "CUTROOM_TIMINGS_EFFECT_LEASE_S": "3",
    "CUTROOM_TIMINGS_READY_CACHE_S": "0",
}
MODEST = {
    "CUTROOM_WORKER_ENGINE": "cpu",
    "CUTROOM_WORKER_MEMORY_LIMIT_MB": "1024",
    "CUTROOM_WORKER_FILE_LIMIT_MB": "8",
}


T = TypeVar("T")


class NotSurvived(Exception):
    """What should have come of a fault did not; the text says what came instead."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a fault is played on.

    `alone`: on a stack of its own. `warm` of the `workers` run from the start. `kinds`: the
    package with the code of what they do. `ports`: what stands in for the gateway's.
    """

    alone: bool = False
    workers: int = 2
    warm: int = 2
    kinds: str = "infra.local.faults.kinds"
    ports: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    worker_env: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Seen:
    """What was seen from outside so far."""

    accepted: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    restarts: int = 0


class Stage:
    """Used as `async with`. A gateway that has died is started again, as a machine would."""

    def __init__(self, folder: Path, needs: Needs, kernels: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.asked_of_runpod: set[FaultKind] = set()
        self.gateway_points = self.folder / "failpoints" / "gateway"
        self.worker_points = self.folder / "failpoints" / "worker"
        self.journal = self.folder / "claims.jsonl"
        self.seen = Seen()
        self.stays_down = False
        self._ahead_s = 0.0
        self.stack = LocalStack(self.folder / "stack", self._config(needs, kernels))
        self._opened = AsyncExitStack()

    def _config(self, needs: Needs, kernels: Path | None) -> StackConfig:
        points = failpoints.FOLDER_VARIABLE
        ports = {"FAULTS_PORTS": needs.ports} if needs.ports else {}
        return StackConfig(
            workers=needs.workers,
            warm_workers=needs.warm,
            poll_hold_s=1.0,
            kernel_cache=kernels,
            settings={
                **IMPATIENT,
                **ports,
                **dict(needs.settings),
                points: str(self.gateway_points),
            },
            worker_env={
                **MODEST,
                **dict(needs.worker_env),
                points: str(self.worker_points),
                "FAULTS_JOURNAL": str(self.journal),
            },
            gateway_app=GATEWAY_APP,
            worker_command=(
                sys.executable,
                "-u",
                "-m",
                "infra.local.faults.worker",
                needs.kinds,
            ),
            second_tenant=False,
        )

    async def __aenter__(self) -> Self:
        try:
            for points in (self.gateway_points, self.worker_points):
                failpoints.arm(points, ())
            await self._opened.enter_async_context(self.stack)
            keeping = asyncio.create_task(self._keep_up())
            self._opened.push_async_callback(_ended, keeping)
        except BaseException:
            await self._opened.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def _keep_up(self) -> None:
        while True:
            if self.stack.gateway.pid is None and not self.stays_down:
                self.stack.gateway.start()
                self.seen.restarts += 1
            await asyncio.sleep(POLL_S)

    # --- what goes wrong

    def arm(self, *points: str, deed: Deed = "kill", nth: int = 1) -> None:
        """Let the gateway die (or wait) at each of these, once."""
        before = failpoints.armed(self.gateway_points)
        failpoints.arm(
            self.gateway_points, [*before, *(Shot(each, deed, nth) for each in points)]
        )

    def arm_worker(self, point: str, *, nth: int = 1) -> None:
        """Let the first worker that comes there die."""
        failpoints.arm(self.worker_points, [Shot(point, "kill", nth)])

    def still_armed(self) -> list[str]:
        """Return the points where nothing has happened yet."""
        folders = (self.gateway_points, self.worker_points)
        return [each.point for folder in folders for each in failpoints.armed(folder)]

    def store_fails(self, wrong: Wrong, **when: Any) -> None:
        """Let the object store do this wrong, see `Faults.add`."""
        self.stack.object_faults.add(wrong, **when)

    def runpod_fails(self, kind: FaultKind, effect: Effect = "500", **when: Any) -> None:
        """Let RunPod do this wrong, see `Fault`."""
        self.asked_of_runpod.add(kind)
        self.stack.emulator.faults.add(Fault(kind, effect=effect, **when))

    def never_came(self) -> list[str]:
        """Return what was to go wrong since the last mending, and has not."""
        fired = self.stack.emulator.faults.fired
        of_runpod = [kind for kind in sorted(self.asked_of_runpod) if not fired[kind]]
        return [*of_runpod, *(each.name.lower() for each in self.stack.object_faults.never)]

    def mend(self) -> None:
        """Let nothing more go wrong."""
        for folder in (self.gateway_points, self.worker_points):
            failpoints.disarm(folder)
        self.stack.object_faults.clear()
        self.stack.emulator.faults.clear()
        self.stack.emulator.faults.fired.clear()
        self.asked_of_runpod.clear()

    async def outage(self, for_s: float) -> None:
        """Let the gateway lose power, and come back after a while."""
        self.stays_down = True
        await self.stack.gateway.kill()
        await asyncio.sleep(for_s)
        self.stays_down = False

    # --- workers

    def workers(self) -> list[WorkerView]:
        """Return the workers that run."""
        return [each for each in self.stack.emulator.workers if each.pid is not None]

    async def worker_of(self, job_id: str) -> WorkerView:
        """Return the worker that RunPod gave this job to."""

        def found() -> WorkerView | None:
            asked = "SELECT runpod_id FROM runpod_jobs WHERE job_id = ?"
            names = {row[0] for row in self.rows(asked, (job_id,))}
            return next((each for each in self.workers() if names & {*each.jobs}), None)

        return await self.until(found, "a worker has the job")

    def tell_worker(self, view: WorkerView, number: signal.Signals) -> None:
        """Send a signal to a worker's own process."""
        if view.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(view.pid, number)

    # --- what is seen

    async def until(
        self, look: Callable[[], T | None], what: str, within_s: float = CALM_WITHIN_S
    ) -> T:
        """Return what `look` finds once it finds something. Raises `NotSurvived`."""
        give_up_at = time.monotonic() + within_s
        while not (found := look()):
            if time.monotonic() > give_up_at:
                raise NotSurvived(f"not within {within_s:.0f} s: {what}")
            await asyncio.sleep(POLL_S)
        return found

    @property
    def database(self) -> Path:
        """The gateway's database."""
        return self.stack.data / "cutroom.sqlite3"

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Ask the database, beside the gateway; nothing where it is not there yet."""
        with closing(sqlite3.connect(self.database, timeout=10)) as db:
            try:
                return db.execute(sql, params).fetchall()
            except sqlite3.OperationalError:
                return []

    async def at_rest(self) -> None:
        """Return once every job has ended and what was due is done. Raises `NotSurvived`."""
        await self.until(lambda: self.stack.gateway.pid, "the gateway runs again")
        await self.until(lambda: not self.restless(), "all jobs have ended and nothing is due")

    def restless(self) -> list[str]:
        """Return the jobs that have not ended and the effects that are due."""
        now = _text(datetime.now(UTC) + timedelta(seconds=self._ahead_s))
        jobs = self.rows("SELECT id, status FROM jobs WHERE status IN ('queued', 'running')")
        due = self.rows(
            "SELECT id, last_error FROM effects WHERE done_at IS NULL AND due_at <= ?", (now,)
        )
        uploads = self.rows("SELECT id FROM uploads WHERE sweep_at <= ?", (now,))
        return [" ".join(map(str, row)) for row in (*jobs, *due, *uploads)]

    async def broken(self) -> list[Broken]:
        """Return the promises that do not hold now that all is at rest."""
        witness = Witness(set(self.seen.accepted), set(self.seen.erased), self._claims())
        return await asyncio.to_thread(broken_promises, self.database, self._bucket(), witness)

    async def broken_at_last(self) -> list[Broken]:
        """Let days pass for the gateway, and return what is left that should be gone."""
        self.pass_days()
        await self.at_rest()
        undone = "SELECT id FROM effects WHERE done_at IS NULL"
        await self.until(lambda: not self.rows(undone), "every effect is performed")
        return await asyncio.to_thread(broken_at_last, self.database, self._bucket())

    def pass_days(self) -> None:
        """Let the gateway believe that all that was signed until now has expired."""
        self.pass_time(LATER_S)

    def pass_time(self, by_s: float) -> None:
        """Let the gateway believe that so much more time has passed."""
        self._ahead_s += by_s
        set_ahead(self.gateway_points, self._ahead_s)

    async def command(self, *words: str) -> str:
        """Run `cutroom …` as an operator of this gateway would, and return what it prints."""
        settings = ("--env-file", str(self.stack.data / "gateway.env"))
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", *words, *settings),
            env={"PATH": os.environ["PATH"], "HOME": f"{self.folder}/", "PYTHONSAFEPATH": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await running.communicate()
        if running.returncode != os.EX_OK:
            raise NotSurvived(f"cutroom {words[0]} ended with {running.returncode}")
        return said.decode()

    def left_running(self) -> list[int]:
        """Return the processes of this stage that still run; there should be none after it."""
        return [pid for pid in _pids() if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"HOME={self.folder}/".encode() in environ

    def _claims(self) -> set[tuple[str, str]]:
        if not self.journal.exists():
            return set()
        lines = self.journal.read_text("utf-8").splitlines()
        return {(each["job_id"], each["nonce"]) for each in map(json.loads, lines)}

    def _bucket(self) -> Bucket:
        bucket = self.stack.objects.buckets[BUCKET]

        def read(key: str) -> bytes | None:
            try:
                file, record = bucket.open(key)
            except Refusal:
                return None
            with file:
                file.seek(0)
                return file.read(record.size_bytes)

        return Bucket(
            listed=lambda: [each.key for each in bucket.records()],
            read=read,
            open_parts=lambda: [each.name for each in bucket.multipart_root.iterdir()],
        )


def _text(at: datetime) -> str:
    """Write an instant as the database has it."""
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _pids() -> Iterable[int]:
    return [int(each) for each in os.listdir("/proc") if each.isdigit()]


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
