"""Kinds of jobs that ask for nothing: what is measured is the gateway around them."""

from string import ascii_lowercase

from shared.job_kind import JobKind, PriceRule, Wire


class MeasuredInput(Wire):
    """A few fields, as a form would send."""

    text: str
    count: int = 1


class MeasuredResult(Wire):
    """Nothing comes of it."""


def _kind(name: str, stages: tuple[str, ...]) -> JobKind[MeasuredInput, MeasuredResult]:
    return JobKind(
        name=name,
        version=1,
        description="Does nothing.",
        input=MeasuredInput,
        output=MeasuredResult,
        outputs={},
        stages=stages,
        compute="gpu",
        price=PriceRule(lambda *_: 3600.0, lambda *_: 1.0, "flat"),
        deadline_s=24 * 3600,
    )


SUBMITTED = _kind("bench.submitted", ("prepare", "render", "upload", "persist"))
# A report of a new stage is an event whenever it comes; one of progress alone may wait.
WATCHED = _kind(
    "bench.watched",
    tuple(f"at_{first}{second}" for first in "abcdefghijkl" for second in ascii_lowercase),
)
KINDS = {kind.name: kind for kind in (SUBMITTED, WATCHED)}
