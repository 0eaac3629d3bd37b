"""What stands where a cloud is not set up: a gateway in development starts without one."""

from collections.abc import Callable
from typing import Any, NoReturn

from gateway.ports.compute import ComputeUnavailable
from shared.errors import TryAgainLater


class Unconfigured:
    """Refuses whatever is asked of it; knowing no method, it stands in for any port."""

    def __init__(self, refusal: Callable[[], Exception]) -> None:
        self._refusal = refusal

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        """Return a method of any name, which raises the refusal."""
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise self._refusal()

        return refuse


def no_store() -> Unconfigured:
    """Stands in for the object store and for what signs its URLs: 503 to a caller."""
    return Unconfigured(
        lambda: TryAgainLater(
            "CUTROOM_STORE_… is not set", public="No store for files is set up."
        )
    )


def no_compute() -> Unconfigured:
    """Stands in for RunPod: what is submitted waits, as while RunPod cannot be reached."""
    return Unconfigured(
        lambda: ComputeUnavailable("CUTROOM_RUNPOD_… is not set", public="Nothing works here.")
    )
