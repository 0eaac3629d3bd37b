"""Which operation a request means: by method, bucket or key, and what its query names."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from infra.local.object_store.ask import Ask
from infra.local.object_store.bucket_operations import (
    delete_objects,
    head_bucket,
    list_objects,
)
from infra.local.object_store.multipart_operations import (
    abort_multipart,
    complete_multipart,
    create_multipart,
    list_parts,
    upload_part,
)
from infra.local.object_store.object_operations import (
    OVERRIDES,
    delete_object,
    get_object,
    put_object,
)
from infra.local.object_store.refusal import Refusal
from infra.local.object_store.reply import Reply
from infra.local.object_store.request import Request

Operation = Callable[[Ask], Awaitable[Reply]]

_NOTHING = frozenset[str]()
# These words of a query choose the operation; the details only bend it.
_CHOOSING = frozenset({"uploads", "uploadId", "partNumber", "delete", "list-type"})
_DETAILS = frozenset(
    (
        "continuation-token",
        "delimiter",
        "encoding-type",
        "fetch-owner",
        "max-keys",
        "max-parts",
        "part-number-marker",
        "prefix",
        "start-after",
        "x-id",
        *OVERRIDES,
    )
)
_OPERATIONS: Mapping[tuple[str, str, frozenset[str]], Operation] = MappingProxyType(
    {
        ("HEAD", "bucket", _NOTHING): head_bucket,
        ("GET", "bucket", frozenset({"list-type"})): list_objects,
        ("POST", "bucket", frozenset({"delete"})): delete_objects,
        ("PUT", "key", _NOTHING): put_object,
        ("GET", "key", _NOTHING): get_object,
        ("HEAD", "key", _NOTHING): get_object,
        ("DELETE", "key", _NOTHING): delete_object,
        ("POST", "key", frozenset({"uploads"})): create_multipart,
        ("PUT", "key", frozenset({"uploadId", "partNumber"})): upload_part,
        ("GET", "key", frozenset({"uploadId"})): list_parts,
        ("POST", "key", frozenset({"uploadId"})): complete_multipart,
        ("DELETE", "key", frozenset({"uploadId"})): abort_multipart,
    }
)


def operation_for(request: Request) -> Operation:
    """Return what carries the request out.

    `Refusal` 501 for whatever the store does not know: an operation half understood
    would do something else than was asked.
    """
    names = {name for name in request.query if not name.startswith("X-Amz-")}
    where = "key" if request.key else "bucket"
    chosen = _OPERATIONS.get((request.method, where, frozenset(names & _CHOOSING)))
    if chosen is None or names - _CHOOSING - _DETAILS or _copies(request):
        raise Refusal(501, "NotImplemented", "The store does not know this operation.")
    return chosen


def _copies(request: Request) -> bool:
    return "x-amz-copy-source" in request.headers
