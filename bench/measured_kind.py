"""A kind of job that asks for nothing: what is measured is the gateway around it."""

from string import ascii_lowercase

from shared.job_kind import JobKind, PriceRule, Wire

# Each report of a watched job says a new stage, which is an event whenever it comes.
STAGES = tuple(f"at_{first}{second}" for first in "abcdef" for second in ascii_lowercase)


class MeasuredInput(Wire):
    """A few fields, as a form would send."""

    text: str
    count: int = 1


class MeasuredResult(Wire):
    """Nothing comes of it."""


KIND = JobKind(
    name="bench.measured",
    version=1,
    description="Does nothing.",
    input=MeasuredInput,
    output=MeasuredResult,
    outputs={},
    stages=STAGES,
    compute="gpu",
    price=PriceRule(lambda *_: 3600.0, lambda *_: 1.0, "flat"),
    deadline_s=24 * 3600,
)
