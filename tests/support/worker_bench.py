"""A worker without RunPod: the real delivery and children, a fake gateway and store."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from gpu_worker.attempt import Allowance, Patience
from gpu_worker.protocol.claims import ClaimWork
from gpu_worker.runner import Deliver
from gpu_worker.sandbox.children import Children
from gpu_worker.transfers.scratch import Scratch
from gpu_worker.waiting.pace import Pace
from shared.work import WorkerFacts
from tests.support.fake_gateway import FakeGateway, FakeStore
from tests.support.serving import client_here
from tests.support.worker_kinds.sample.conduct import KIND

MIB = 1024 * 1024
QUICK = Pace(first_s=0.01, longest_s=0.02)
# No test waits this long: what a test holds must come in time on a busy machine too.
LONG = Patience(claim_s=60, outputs_s=60, final_s=60, stopped_s=60, last_words_s=60)
ALLOWANCE = Allowance(cores=2, memory_bytes=1024 * MIB, file_bytes=4 * MIB, open_files=64)
FACTS = WorkerFacts(id="pod-1", gpu=None, cores=2, memory_mb=2048, version="test")


@dataclass
class Bench:
    """Everything a delivery meets."""

    gateway: FakeGateway
    store: FakeStore
    scratch: Scratch
    children: Children
    mark: Path
    nonces: list[str] = field(default_factory=list)

    def deliver(self, **other: Any) -> Deliver:
        """The worker's handler; `other` takes the place of its parts."""
        made = Deliver(
            kinds={KIND.name: KIND},
            claim=ClaimWork(FACTS, self._nonce, QUICK, LONG.claim_s),
            children=self.children,
            scratch=self.scratch,
            allowance=replace(ALLOWANCE, caches=(str(self.mark),)),
            patience=LONG,
            pace=QUICK,
            new_client=client_here,
        )
        return replace(made, **other)

    def _nonce(self) -> str:
        self.nonces.append(f"nonce-{len(self.nonces) + 1}")
        return self.nonces[-1]

    def orders(self, conduct: str, **other: Any) -> None:
        """Set what the next claim is given to do."""
        job_input = {"conduct": conduct, "mark": str(self.mark)}
        self.gateway.order = {"input": job_input, **other}

    def has_input(self, body: bytes) -> None:
        """Store a file and name it in the work order."""
        self.store.objects["in"] = body
        self.gateway.order["files"] = [self.store.file("source", "in", self.gateway.base_url)]

    def marked(self, name: str) -> int:
        """The number of a process that left its mark."""
        return int((self.mark / name).read_text())

    def left_in_scratch(self) -> list[Path]:
        """What deliveries have left behind."""
        return list(self.scratch.home.iterdir())


def is_gone(pid: int) -> bool:
    """True unless a process of that number runs; a zombie runs no more."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
