"""boto3's client for one bucket, and its errors told as ours.

Importing this costs a second; `objects` does it in a thread, on the first call.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.loaders import Loader

from shared.errors import (
    Conflict,
    CutroomError,
    FieldError,
    NotFound,
    OperatorMustAct,
    TryAgainLater,
    ValidationFailed,
)

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

TOTAL_ATTEMPTS = 3
CONNECTIONS = 16

_GONE = frozenset({"NoSuchKey", "NoSuchUpload", "404"})
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_BAD_PARTS = frozenset({"EntityTooSmall", "InvalidPart", "InvalidPartOrder"})
_BUSY = frozenset({"SlowDown", "RequestTimeout", "TooManyRequests"})


def open_client(
    endpoint_url: str,
    access_key_id: str,
    secret_access_key: str,
    region: str,
    timeouts_s: tuple[float, float],
) -> "S3Client":
    """Return a client with path-style addresses, signature v4 and bounded waiting."""
    connect_s, read_s = timeouts_s
    client: S3Client = new_session().client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=connect_s,
            read_timeout=read_s,
            retries={"mode": "standard", "total_max_attempts": TOTAL_ATTEMPTS},
            max_pool_connections=CONNECTIONS,
            # R2 knows no checksum trailers; what we verify we ask for by name.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return client


def new_session() -> boto3.session.Session:
    """Return a session of its own; what boto3 knows of S3 is read once for all of them."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    return boto3.session.Session(botocore_session=session)


@cache
def _loader() -> Loader:
    return Loader()


def code_of(error: ClientError) -> str:
    """Return the store's own word for what went wrong; a HEAD has only the status."""
    return error.response.get("Error", {}).get("Code", "")


@contextmanager
def told_as_ours(what: str) -> Iterator[None]:
    """Raise the nearest of our errors for what boto3 raises; `what` goes to the log."""
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, what) from error
    except SSLError as error:
        raise _operator(f"{what}: no trusted connection to the store") from error
    except (NoConnection, HTTPClientError, IncompleteReadError) as error:
        raise _try_again(f"{what}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise _operator(f"{what}: {error}") from error


def _from_answer(error: ClientError, what: str) -> CutroomError:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = f"{what}: the store answered {status} {code}"
    if code in _GONE:
        return NotFound(detail, public="The file is not there.")
    if code in _TAKEN:
        return Conflict(detail, public="A file is already stored there.")
    if code in _BAD_PARTS:
        why = f"The parts are not what was uploaded ({code})."
        return ValidationFailed([FieldError("parts", why)])
    if status >= 500 or status == 429 or code in _BUSY:
        return _try_again(detail)
    return _operator(detail)


def _try_again(detail: str) -> TryAgainLater:
    return TryAgainLater(detail, public="The file store is not available for a moment.")


def _operator(detail: str) -> OperatorMustAct:
    return OperatorMustAct(detail, public="The file store is not set up as it must be.")
