"""What an attempt says while it works: numbered, in order, and never more than it must.

One loop sends; everything else only leaves word. So numbers grow in the order of sending,
and a gateway that is away delays words, never the work.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from gpu_worker.protocol.gateway_calls import GatewayCalls, Refused, Superseded, Unreachable
from gpu_worker.waiting.deadline import Deadline
from gpu_worker.waiting.pace import Pace
from gpu_worker.waiting.told import Told, Why
from shared.errors import CutroomError
from shared.work import (
    Checkpoint,
    Final,
    Heartbeat,
    Notice,
    Probe,
    Progress,
    ReportAnswer,
    WarningReport,
    WorkOrder,
)

log = logging.getLogger(__name__)

MOST_WORDS = 50  # waiting to be heard; a kind that says more is not listened to

Report = Heartbeat | Progress | Probe | WarningReport | Checkpoint | Final


@dataclass(slots=True)
class _Word:
    """A report that must arrive, with the number it got when it was first sent."""

    make: Callable[[int], Report]
    heard: "asyncio.Future[None]"
    report_no: int | None = None


@dataclass(slots=True)
class Reports:
    """The reports of one attempt; its loop runs inside `async with`."""

    calls: GatewayCalls
    order: WorkOrder
    told: Told
    deadline: Deadline
    pace: Pace
    _words: deque[_Word] = field(default_factory=deque, init=False)
    _stage: tuple[str, float] | None = field(default=None, init=False)
    _stage_sent: tuple[str, float] | None = field(default=None, init=False)
    _hints: list[dict[str, Any]] = field(default_factory=list, init=False)
    _last_no: int = field(default=0, init=False)
    _sent_at_s: float = field(default=0.0, init=False)
    _quiet_until_s: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)
    _dropped: int = field(default=0, init=False)
    _closing: bool = field(default=False, init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _loop: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._sent_at_s = self.pace.monotonic_s()  # the claim was heard just now
        self._hints.extend(self.order.hints)
        self._loop = asyncio.create_task(self._run())
        self._loop.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end_loop()

    # --- leaving word

    def progress(self, stage: str, fraction: float) -> None:
        """Say how far the whole job is; only the latest word is sent, at its time."""
        self._stage = (stage, fraction)
        self._wake.set()

    def warn(self, notice: Notice) -> None:
        """Tell the person something; sent at once, in order."""
        _ = self._say(
            lambda no: WarningReport(fence=self.order.fence, report_no=no, warning=notice)
        )

    def probed(self, asset: str, sha256: str, facts: dict[str, Any]) -> None:
        """Tell what an input file is; sent at once, in order."""
        _ = self._say(
            lambda no: Probe(
                fence=self.order.fence, report_no=no, asset=asset, sha256=sha256, probe=facts
            )
        )

    async def checkpoint(self, data: dict[str, Any]) -> None:
        """Leave this for the next attempt; returns once the gateway has it.

        Raises `Superseded` where the gateway will not hear of it, `Refused` where it will
        not take it; while it cannot be reached this waits, for the next step may cost money.
        """
        await self._say(lambda no: Checkpoint(fence=self.order.fence, report_no=no, data=data))

    def take_hints(self) -> list[dict[str, Any]]:
        """Return the provider callbacks heard of since the last time."""
        taken, self._hints = self._hints, []
        return taken

    # --- the end

    async def close(self, *, within_s: float) -> int:
        """Let what was left to say go out, end the loop, and return the final's number.

        Nothing is sent between this number and the final, so that numbers and sending keep
        the same order: the manifest and the final share it.
        """
        self._closing = True
        self._wake.set()
        if self._loop is not None:
            await asyncio.wait({self._loop}, timeout=within_s)
        await self._end_loop()
        return self._number()

    async def final(self, final: Final, *, for_s: float) -> ReportAnswer:
        """Say the last word, again and again under its one number.

        Raises `Unreachable` once `for_s` is spent, `Superseded` or `Refused`.
        """
        return await self.pace.keep_trying(lambda: self._send(final), what="final", for_s=for_s)

    # --- the loop

    async def _run(self) -> None:
        while self.told.why is None:
            if self._closing and not self._words:
                return
            if self.deadline.left_s() <= 0:
                self.told.stop(Why.DEADLINE)
                return
            self._wake.clear()
            wait_s = self._due_at_s() - self.pace.monotonic_s()
            if wait_s > 0:
                await self._doze(min(wait_s, self.deadline.left_s()))
                continue
            await self._send_what_is_due()

    def _due_at_s(self) -> float:
        if self._words:
            return self._quiet_until_s
        every_s = self.order.heartbeat_s
        if self._stage != self._stage_sent:
            every_s = min(every_s, self.order.report_every_s)
        return max(self._sent_at_s + every_s, self._quiet_until_s)

    async def _doze(self, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_what_is_due(self) -> None:
        word = self._words[0] if self._words else None
        stage = self._stage
        try:
            await self._send(self._next_report(word, stage))
        except Unreachable as error:
            self._failures += 1
            self._quiet_until_s = self.pace.monotonic_s() + self.pace.pause_s(self._failures)
            if self._failures == 1:
                log.warning("report.unheard", extra={"why": str(error)})
        except Superseded:
            self.told.stop(Why.SUPERSEDED)
        except Refused as error:
            log.error("report.refused", extra={"why": str(error)})
            self._over_with(word, stage, error)
        else:
            self._over_with(word, stage, None)

    def _over_with(
        self, word: _Word | None, stage: tuple[str, float] | None, error: CutroomError | None
    ) -> None:
        if word is None:
            self._stage_sent = stage
        else:
            self._words.popleft()
            _settle(word, error)

    def _next_report(self, word: _Word | None, stage: tuple[str, float] | None) -> Report:
        if word is not None:
            word.report_no = word.report_no or self._number()
            return word.make(word.report_no)
        fence, report_no = self.order.fence, self._number()
        if stage is not None and stage != self._stage_sent:
            return Progress(fence=fence, report_no=report_no, stage=stage[0], progress=stage[1])
        return Heartbeat(fence=fence, report_no=report_no)

    async def _send(self, report: Report) -> ReportAnswer:
        self._sent_at_s = self.pace.monotonic_s()
        answer, spoken_at = await self.calls.ask(
            "reports", self.order.token, report, ReportAnswer
        )
        self._failures = 0
        self._hints.extend(answer.hints)
        if answer.deadline_at is not None:
            self.deadline.set(answer.deadline_at, spoken_at=spoken_at)
        if answer.cancel:
            self.told.stop(Why.CANCEL)
        return answer

    # --- small parts

    def _say(self, make: Callable[[int], Report]) -> "asyncio.Future[None]":
        make(1)  # what is no report fails here, before whoever says it, and not in the loop
        heard = asyncio.get_running_loop().create_future()
        word = _Word(make, heard)
        if self._loop is None or self._loop.done() or len(self._words) >= MOST_WORDS:
            self._dropped += 1
            if self._dropped == 1:
                log.warning("report.dropped", extra={"waiting": len(self._words)})
            _settle(word, _unspoken())
        else:
            self._words.append(word)
            self._wake.set()
        return heard

    def _number(self) -> int:
        self._last_no += 1
        return self._last_no

    async def _end_loop(self) -> None:
        if self._loop is not None and not self._loop.done():
            self._loop.cancel()
            await asyncio.wait({self._loop})

    def _ended(self, loop: "asyncio.Task[None]") -> None:
        while self._words:
            _settle(self._words.popleft(), _unspoken())
        if not loop.cancelled() and (error := loop.exception()) is not None:
            log.error("report.loop_broke", exc_info=error)
            self.told.stop(Why.UNHEARD)


def _settle(word: _Word, error: CutroomError | None) -> None:
    if word.heard.done():  # whoever waited for it has been cancelled
        return
    if error is None:
        word.heard.set_result(None)
        return
    word.heard.set_exception(error)
    word.heard.exception()  # seen: a warning that is never heard is nobody's loose end


def _unspoken() -> Superseded:
    return Superseded("the attempt no longer speaks", public="The attempt has ended.")
