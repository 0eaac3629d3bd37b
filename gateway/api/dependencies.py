"""What routes name in their signatures, beside who is calling."""

from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.requests import HTTPConnection

from gateway.api.job_reading import job_reading
from gateway.api.prefer import UntilPreferred
from gateway.api.request_ids import id_of


def _request_id(connection: HTTPConnection) -> str:
    return id_of(connection.scope)


def _until_preferred(request: Request, response: Response) -> UntilPreferred:
    return UntilPreferred(job_reading(request).wait_for_end, request, response.headers)


RequestId = Annotated[str, Depends(_request_id)]
# Called with a job; see there.
AsPreferred = Annotated[UntilPreferred, Depends(_until_preferred)]
