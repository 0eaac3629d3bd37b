"""Plays faults, a few stages at once, and gives a verdict on each."""

import asyncio
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import httpx

from infra.local.faults.customer import Customer
from infra.local.faults.fault import Fault, Verdict
from infra.local.faults.promises import Broken
from infra.local.faults.stage import Needs, NotSurvived, Stage

log = logging.getLogger(__name__)

LONGEST_S = 240.0
# A stage takes as long to come up as a few faults take to play.
FEWEST_ON_A_STAGE, MOST_ON_A_STAGE = 8, 24

Tell = Callable[[Verdict], None]


@dataclass(slots=True)
class _Played:
    """What was played on one stage, and whose each job was."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    job_of: dict[str, str] = field(default_factory=dict)

    @property
    def all_survived(self) -> bool:
        return all(each.survived for each in self.verdicts.values())

    def blame(self, name: str, why: str) -> None:
        verdict = self.verdicts[name]
        told = why if verdict.survived else f"{verdict.detail}; {why}"
        self.verdicts[name] = replace(verdict, survived=False, detail=told)

    def blame_for(self, broken: Broken) -> None:
        """Put it down to the fault whose job it is; to all, where it may be anybody's."""
        name = self.job_of.get(broken.job_id or "")
        if name is not None:
            self.blame(name, f"in the end: {broken.what}")
        elif self.all_survived:
            for each in self.verdicts:
                self.blame(each, f"one of the faults on this stage: {broken.what}")


class Playing:
    """`lanes` stages at once, each in a folder of its own below `folder`."""

    def __init__(self, folder: Path, *, lanes: int, kernels: Path, tell: Tell) -> None:
        self._folder = folder
        self._lanes = lanes
        self._kernels = kernels
        self._tell = tell
        self._numbers = count(1)

    async def __call__(self, faults: Sequence[Fault]) -> list[Verdict]:
        """Play them all and return the verdicts in the same order."""
        programmes = deque(programmes_of(faults, self._lanes))
        verdicts: dict[str, Verdict] = {}

        async def lane() -> None:
            while programmes:
                needs, some = programmes.popleft()
                verdicts.update(await self._play_all(needs, some))

        async with asyncio.TaskGroup() as group:
            for _ in range(self._lanes):
                group.create_task(lane())
        return [verdicts[fault.name] for fault in faults]

    async def _play_all(self, needs: Needs, faults: Sequence[Fault]) -> dict[str, Verdict]:
        """Play them on one stage, or on a new one after each that was not survived."""
        left, verdicts = deque(faults), {}
        while left:
            played = await self._play_on_a_stage(needs, left)
            for verdict in played.verdicts.values():
                self._tell(verdict)
            verdicts.update(played.verdicts)
        return verdicts

    async def _play_on_a_stage(self, needs: Needs, left: deque[Fault]) -> _Played:
        """Play from the left of these until one is not survived or none is left."""
        played = _Played()
        stage = Stage(self._folder / f"stage-{next(self._numbers)}", needs, self._kernels)
        fault = left[0]
        try:
            async with stage, httpx.AsyncClient(trust_env=False, timeout=10) as http:
                customer = Customer(stage, http)
                while left and played.all_survived:
                    fault = left.popleft()
                    await self._play(customer, fault, played)
                await self._see_the_end(stage, played)
        except Exception as error:  # the stage itself broke: that is a verdict too
            log.exception("faults.stage_broke")
            if left and fault is left[0]:
                left.popleft()
            played.verdicts.setdefault(fault.name, Verdict(fault.name, True, ""))
            played.blame(fault.name, f"the stage broke: {type(error).__name__}: {error}")
        if processes := stage.left_running():
            played.blame_for(Broken(f"processes are left: {processes}"))
        if played.all_survived:
            shutil.rmtree(stage.folder, ignore_errors=True)
        return played

    async def _play(self, customer: Customer, fault: Fault, played: _Played) -> None:
        stage, begun_at_s = customer.stage, time.monotonic()
        before = set(stage.seen.accepted)
        try:
            async with asyncio.timeout(LONGEST_S):
                told = await fault.play(customer)
                if never := stage.never_came():
                    raise NotSurvived(f"it never happened: {', '.join(never)}")
                stage.mend()
                await stage.at_rest()
                broken = await stage.broken()
        except NotSurvived as error:
            verdict = Verdict(fault.name, False, f"{error}{_left_over(stage)}")
        except TimeoutError:
            verdict = Verdict(fault.name, False, f"not over in time{_left_over(stage)}")
        else:
            whats = sorted({f"{each.job_id or ''} {each.what}".strip() for each in broken})
            spent_s = time.monotonic() - begun_at_s
            detail = "; ".join(whats) or f"{told} ({spent_s:.1f} s)"
            verdict = Verdict(fault.name, not broken, detail)
        stage.mend()
        played.verdicts[fault.name] = verdict
        played.job_of |= dict.fromkeys(stage.seen.accepted - before, fault.name)

    async def _see_the_end(self, stage: Stage, played: _Played) -> None:
        try:
            for broken in await stage.broken_at_last():
                played.blame_for(broken)
        except NotSurvived as error:
            played.blame_for(Broken(f"{error}{_left_over(stage)}"))


def _left_over(stage: Stage) -> str:
    armed, restless = stage.still_armed(), stage.restless()
    return f"; still armed {armed}; not at rest {restless[:6]}" if armed or restless else ""


def programmes_of(faults: Sequence[Fault], lanes: int) -> list[tuple[Needs, Sequence[Fault]]]:
    """Return what is played on a stage each: alone what asks for it, else so many together."""
    together: dict[Needs, list[Fault]] = {}
    alone: list[tuple[Needs, Sequence[Fault]]] = []
    for fault in faults:
        if fault.needs.alone:
            alone.append((fault.needs, [fault]))
        else:
            together.setdefault(fault.needs, []).append(fault)
    shared: list[tuple[Needs, Sequence[Fault]]] = []
    for needs, some in together.items():
        fewest, most = (-(-len(some) // each) for each in (MOST_ON_A_STAGE, FEWEST_ON_A_STAGE))
        parts = max(fewest, min(lanes, most))
        shared += [(needs, some[part::parts]) for part in range(parts)]
    return [*shared, *alone]
