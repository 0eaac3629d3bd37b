"""Every route that reads a body: a good one, and what each of its fields is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.attack.tables.values import Wrong
from tests.support.target import Standing

Fields = Mapping[str, tuple[Wrong, ...]]


@dataclass(frozen=True, slots=True)
class Route:
    """A route with a body. `path` names what of `Standing` it is about.

    `bearer` returns the token of a worker's call; None where a key is what it takes.
    """

    name: str
    method: str
    path: str
    body: Callable[[Standing], dict[str, Any]]
    fields: Fields
    bearer: Callable[[Standing], str] | None = None

    @property
    def forgives(self) -> bool:
        """True where unknown fields are ignored."""
        return not self.path.startswith("/v1/")


def under(prefix: str, fields: Fields) -> Fields:
    """Return the fields as they are called, and call others, inside an object."""
    return {
        f"{prefix}.{name}": tuple(
            replace(each, named=f"{prefix}.{each.named}") if each.named else each
            for each in wrongs
        )
        for name, wrongs in fields.items()
    }
