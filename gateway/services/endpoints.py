"""The RunPod endpoints jobs go to: where they are, what they bill, how much they take."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.pricing import Rate
from shared.job_kind import Compute


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `slot_cap`: submitted and not ended jobs it may have at once."""

    name: str
    rate: Rate
    slot_cap: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The GPU endpoint, and a CPU endpoint where one is set."""

    gpu: Endpoint
    cpu: Endpoint | None = None

    def for_compute(self, compute: Compute) -> Endpoint:
        """Return where work of this sort goes."""
        return self.cpu if compute == "cpu" and self.cpu else self.gpu

    def by_name(self) -> Mapping[str, Endpoint]:
        """Return each endpoint by its name."""
        return {each.name: each for each in (self.gpu, self.cpu) if each}
