"""One attempt at a job: fetch, have a child do the work, put, and say the last word."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from gpu_worker.hardware import NO_HARDWARE, Hardware
from gpu_worker.kind_work import MadeFile
from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Superseded, Unreachable
from gpu_worker.protocol.reports import Reports
from gpu_worker.sandbox.child_messages import (
    ChildMessage,
    ChildTask,
    DoneFile,
    Limits,
    Probed,
    Progressed,
    Warned,
)
from gpu_worker.sandbox.children import Children
from gpu_worker.stage_progress import StageProgress
from gpu_worker.transfers.fetching import Fetched, FetchFiles
from gpu_worker.transfers.putting import PutOutputs
from gpu_worker.transfers.scratch import Scratch
from gpu_worker.waiting.deadline import Deadline
from gpu_worker.waiting.pace import Pace
from gpu_worker.waiting.told import Told, ToldToStop, Why
from shared.artifacts import Output
from shared.errors import JobFailed, ValidationFailed
from shared.job_kind import JobKind
from shared.work import Failure, Final, Usage, WorkOrder

log = logging.getLogger(__name__)

# CPU time is counted over all threads, so an attempt may use as much as every core gives.
_SPARE_CPU_S = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying, in seconds, while the gateway or the store is away.

    On a GPU each second waited costs more than doing the work again soon would.
    """

    claim_s: float = 60
    outputs_s: float = 20
    final_s: float = 20
    stopped_s: float = 2
    last_words_s: float = 5

    @classmethod
    def on(cls, compute: str) -> "Patience":
        """Return what suits a `gpu` or a `cpu` worker."""
        return cls() if compute == "gpu" else cls(claim_s=180, outputs_s=180, final_s=180)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one child may use of this machine, of whose cores `at_once` children have a share.

    `processes`: how many share one child's work; None for as many as pay. `hardware`: what
    its accelerator does. `tasks`: the processes and threads of one; `look_cpu_s`: what
    looking a file through may take of a core; `caches`: folders besides
    its own that it may write in, where a driver keeps what it compiles.
    """

    cores: int
    memory_bytes: int | None
    file_bytes: int
    open_files: int
    at_once: int = 1
    processes: int | None = None
    hardware: Hardware = NO_HARDWARE
    tasks: int | None = None
    look_cpu_s: float | None = None
    caches: tuple[str, ...] = ()

    def for_attempt(self, fence: int) -> "Allowance":
        """Return what an attempt may use: the accelerator only on the first.

        A driver that takes its process along leaves no word of it; what the next attempt is
        to do better must not depend on it.
        """
        return self if fence == 1 else replace(self, hardware=NO_HARDWARE)

    def limits(self, left_s: float) -> Limits:
        """Return a child's limits with so many seconds to its deadline."""
        cpu_s = math.ceil(max(1.0, left_s)) * self.cores + _SPARE_CPU_S
        return Limits(
            memory_bytes=self.memory_bytes,
            memory_counts="writable" if self.hardware.any else "mapped",
            cpu_s=cpu_s,
            look_cpu_s=self.look_cpu_s,
            file_bytes=self.file_bytes,
            open_files=self.open_files,
            tasks=self.tasks,
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended, for RunPod's record; the gateway has the final report."""

    outcome: str
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class _Product:
    result: dict[str, Any]
    outputs: list[Output]
    usage: Usage


@dataclass(slots=True)
class Attempt:
    """One claimed work order, from its first byte to its last word."""

    job_id: str
    order: WorkOrder
    kinds: Mapping[str, JobKind[Any, Any]]
    client: httpx.AsyncClient
    calls: GatewayCalls
    deadline: Deadline
    told: Told
    children: Children
    scratch: Scratch
    allowance: Allowance
    patience: Patience
    pace: Pace
    _begun_at_s: float = field(init=False)
    _reports: Reports = field(init=False)
    _stages: StageProgress = field(init=False)
    _puts: PutOutputs = field(init=False)
    _fetched: Mapping[str, Fetched] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._begun_at_s = self.pace.monotonic_s()
        self._reports = Reports(self.calls, self.order, self.told, self.deadline, self.pace)
        kind = self.kinds.get(self.order.kind)
        self._stages = StageProgress(kind.stages if kind else ("prepare",))
        self._puts = PutOutputs(
            self.client, self.calls, self.order, self.pace, self.patience.outputs_s
        )

    async def live(self) -> Ended:
        """Do the work and say how it ended, whatever happens on the way."""
        async with self._reports:
            try:
                product = await self.told.unless(self._make())
                return await self.told.unless(self._succeed(product))
            except ToldToStop as word:
                return await self._stop(word.why)
            except Superseded:
                return await self._stop(Why.SUPERSEDED)
            except Exception as error:  # noqa: BLE001 - outermost: every end is reported
                failure = self._failure(error)
            return await self._fail(failure)

    # --- the work

    async def _make(self) -> _Product:
        kind = self._kind()
        kind.parse_input(self.order.input)
        async with self.scratch.place(self.job_id, self.order.fence) as place:
            fetch = FetchFiles(self.client, self.pace)
            self._fetched = await fetch(
                self.order.files,
                place.inputs,
                lambda share: self._at(kind.stages[0], share),
            )
            done = await self.children.run(self._task(place.work), self._hear)
            files = await asyncio.to_thread(_made_files, done.files, place.work, kind)
            outputs = await self._puts(files, lambda share: self._at("upload", share))
        result = kind.output.model_validate(done.result).model_dump(mode="json")
        return _Product(result, outputs, done.usage)

    def _kind(self) -> JobKind[Any, Any]:
        order = self.order
        kind = self.kinds.get(order.kind)
        if kind is None or kind.version != order.kind_version:
            detail = f"this worker does not know {order.kind!r} version {order.kind_version}"
            raise JobFailed("internal", detail=detail)
        return kind

    def _task(self, work: Path) -> ChildTask:
        allowed = self.allowance.for_attempt(self.order.fence)
        return ChildTask(
            kind=self.order.kind,
            input=self.order.input,
            files={name: str(file.path) for name, file in self._fetched.items()},
            scratch=str(work),
            caches=list(allowed.caches),
            limits=allowed.limits(self.deadline.left_s()),
            cores=max(1, allowed.cores // allowed.at_once),
            processes=allowed.processes,
            hardware=allowed.hardware,
            log_fields={
                "job_id": self.job_id,
                "kind": self.order.kind,
                "fence": self.order.fence,
                "trace": self.order.trace,
            },
        )

    def _hear(self, message: ChildMessage) -> None:
        match message:
            case Progressed():
                self._at(message.stage, message.fraction)
            case Warned():
                self._reports.warn(message.notice)
            case Probed() if (file := self._fetched.get(message.name)) is not None:
                self._reports.probed(message.name, file.sha256, message.facts)
            case _:
                log.warning("child.message_ignored", extra={"type": message.type})

    def _at(self, stage: str, fraction: float) -> None:
        self._reports.progress(*self._stages.at(stage, fraction))

    # --- the last word

    async def _succeed(self, product: _Product) -> Ended:
        self._at("persist", 0.0)
        final = Final(
            fence=self.order.fence,
            report_no=await self._reports.close(within_s=self.patience.last_words_s),
            outcome="succeeded",
            result=product.result,
            outputs=product.outputs,
            usage=self._usage(product.usage),
        )
        told_by_manifest = await self._put_manifest(final)
        heard = await self._say(final, for_s=self.patience.final_s)
        if heard or told_by_manifest:
            return Ended("succeeded")
        unheard = JobFailed("persist_error")
        return Ended("failed", Failure(code=unheard.what, message=unheard.public))

    async def _put_manifest(self, final: Final) -> bool:
        try:
            await self._puts.manifest(final)
        except JobFailed as error:
            # It is only the second way to say what the final report says next.
            log.warning("manifest.not_put", extra={"why": str(error)})
            return False
        return True

    async def _fail(self, failure: Failure) -> Ended:
        try:
            await self.told.unless(self._report_failure(failure))
        except ToldToStop as word:
            return await self._stop(word.why)
        return Ended("failed", failure)

    async def _report_failure(self, failure: Failure) -> None:
        final = Final(
            fence=self.order.fence,
            report_no=await self._reports.close(within_s=self.patience.last_words_s),
            outcome="failed",
            error=failure,
            usage=self._usage(None),
        )
        await self._say(final, for_s=self.patience.final_s)

    async def _stop(self, why: Why) -> Ended:
        log.info("attempt.stopped", extra={"why": why.value})
        if why is not Why.SUPERSEDED:
            final = Final(
                fence=self.order.fence,
                report_no=await self._reports.close(within_s=0),
                outcome="stopped",
                usage=self._usage(None),
            )
            try:
                async with asyncio.timeout(self.patience.stopped_s):
                    await self._say(final, for_s=self.patience.stopped_s)
            except TimeoutError:
                log.warning("final.unheard", extra={"outcome": "stopped", "why": "time-out"})
        return Ended("stopped")

    async def _say(self, final: Final, *, for_s: float) -> bool:
        """True if the last word was heard; False where silence will have to tell it."""
        try:
            await self._reports.final(final, for_s=for_s)
        except (Unreachable, Superseded, Refused) as error:
            log.warning("final.unheard", extra={"outcome": final.outcome, "why": str(error)})
            return False
        log.info("final.heard", extra={"outcome": final.outcome})
        return True

    def _failure(self, error: Exception) -> Failure:
        match error:
            case JobFailed():
                code, public, unexpected = error.what, error.public, None
            case ValidationFailed():
                code, public, unexpected = "invalid_request", error.public, None
            case _:
                code, public, unexpected = "internal", JobFailed("internal").public, error
        log.error(
            "attempt.failed", extra={"code": code, "why": str(error)}, exc_info=unexpected
        )
        return Failure(code=code, message=public[:500], stage=self._stages.stage)

    def _usage(self, measured: Usage | None) -> Usage:
        run_s = self.pace.monotonic_s() - self._begun_at_s
        return (measured or Usage(run_s=run_s)).model_copy(update={"run_s": run_s})


def _made_files(
    files: Sequence[DoneFile], work: Path, kind: JobKind[Any, Any]
) -> list[MadeFile]:
    """Return the files a child says it made, once they are seen to be its own and complete."""
    names = {file.name for file in files}
    missing = set(kind.outputs) - kind.optional_outputs - names
    if missing or len(names) != len(files):
        raise JobFailed("internal", detail=f"outputs missing or doubled: {sorted(missing)}")
    return [_made_file(file, work.resolve(), kind) for file in files]


def _made_file(file: DoneFile, work: Path, kind: JobKind[Any, Any]) -> MadeFile:
    path = work / file.path
    if file.content_type not in kind.content_types(file.name):
        raise JobFailed("internal", detail=f"{file.name} as {file.content_type} is no output")
    if path.is_symlink() or not path.resolve().is_relative_to(work) or not path.is_file():
        raise JobFailed("internal", detail=f"{file.name} is no file of this attempt's")
    if path.stat().st_size == 0:
        raise JobFailed("internal", detail=f"{file.name} is empty")
    return MadeFile(file.name, path, file.content_type)
