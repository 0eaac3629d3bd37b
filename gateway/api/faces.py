"""How each surface words its errors: the shape of a body, and the statuses that are its own.

Which surface a request belongs to is told by its path alone, so that what is refused before
any route is found (413, 415, 404, 405) wears the same face as what a route refuses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from gateway.core.surfaces import Surface
from shared.errors import FieldError


@dataclass(frozen=True, slots=True)
class Fault:
    """What a customer may know of an error; each face puts it in its own words."""

    status: int
    code: str
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


def problem_document(fault: Fault) -> dict[str, Any]:
    """RFC 9457, as `/v1` answers."""
    return {
        "type": f"urn:cutroom:problem:{fault.code}",
        "title": HTTPStatus(fault.status).phrase,
        "status": fault.status,
        "detail": fault.detail,
        "code": fault.code,
        "request_id": fault.request_id,
        "errors": [asdict(each) for each in fault.errors],
    }


def plain_error(fault: Fault) -> dict[str, Any]:
    """`detail`, `code`, `request_id`, and `errors` where fields were refused."""
    body = {"detail": fault.detail, "code": fault.code, "request_id": fault.request_id}
    fields = [asdict(each) for each in fault.errors]
    return {**body, "errors": fields} if fields else body


@dataclass(frozen=True, slots=True)
class Face:
    """How one surface answers what it refuses.

    `prefixes`: the paths that are its own, whole segments. `statuses`: what its own codes
    answer with, where the class of the error would say otherwise. `body_bytes`: the largest
    body it takes; None is the limit of the application. `members_max`: how many fields one
    object of a body may have.
    """

    name: Surface
    prefixes: tuple[str, ...]
    body: Callable[[Fault], dict[str, Any]] = plain_error
    media_type: str = "application/json"
    statuses: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    body_bytes: int | None = None
    members_max: int | None = None


# Each field that is unknown is a fault of its own there, and each fault takes its time.
MEMBERS_MAX = 1000
V1 = Face(
    Surface.V1, ("/",), problem_document, "application/problem+json", members_max=MEMBERS_MAX
)


class Faces:
    """The faces of one application, by path; `/v1`'s where no other claims it."""

    def __init__(self, products: Sequence[Face] = ()) -> None:
        by_prefix = [(each.rstrip("/"), face) for face in products for each in face.prefixes]
        self._by_prefix = sorted(by_prefix, key=lambda each: len(each[0]), reverse=True)

    def of(self, path: str) -> Face:
        """Return the face with the longest prefix of this path."""
        for prefix, face in self._by_prefix:
            if path == prefix or path.startswith(f"{prefix}/"):
                return face
        return V1
