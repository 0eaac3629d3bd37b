"""What routes name in their signatures, beside who is calling.

Whatever a signature depends on is a coroutine: FastAPI sends a plain function through a
thread, which takes more than all that one does.
"""

from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.requests import HTTPConnection

from gateway.api.job_reading import job_reading
from gateway.api.prefer import UntilPreferred
from gateway.api.request_ids import trace_of


async def _trace(connection: HTTPConnection) -> str:
    return trace_of(connection.scope)


async def _until_preferred(request: Request, response: Response) -> UntilPreferred:
    return UntilPreferred(job_reading(request).wait_for_end, request, response.headers)


Trace = Annotated[str, Depends(_trace)]
# Called with a job; see there.
AsPreferred = Annotated[UntilPreferred, Depends(_until_preferred)]
