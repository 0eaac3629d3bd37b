"""What the worker asks of a child and what it says back: length-prefixed JSON on one socket.

A child has opened a stranger's file, so what it says is checked like a stranger's word.
"""

import asyncio
import socket
import struct
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from gpu_worker.hardware import NO_HARDWARE, Hardware
from shared.job_kind import Wire
from shared.work import Notice, Stage, Usage

OUT_OF_MEMORY_EXIT = 75  # a child's exit code: there was no memory left even to say so
LONGEST_BYTES = 4 * 1024 * 1024
LONGEST_PUBLIC, LONGEST_DETAIL = 500, 2000
_PREFIX = struct.Struct("!I")


class Limits(Wire):
    """What a child may use. `None` where the platform's own bound is to hold.

    `memory_counts`: all that is mapped, or only what the process may write to and shares with
    nobody. A CUDA driver reserves hundreds of gigabytes of addresses that it never uses.
    """

    memory_bytes: int | None = Field(None, ge=1)
    memory_counts: Literal["mapped", "writable"] = "mapped"
    cpu_s: int = Field(ge=1)  # of each process, all its threads together
    look_cpu_s: float | None = Field(None, gt=0)  # of that, to look a file through
    file_bytes: int = Field(ge=1)  # of the largest file
    open_files: int = Field(ge=16)
    tasks: int | None = Field(None, ge=1)  # processes and threads; root has no such bound


class ChildTask(Wire):
    """One attempt's work: its checked input, and its files where they lie.

    It may read its files, and write in `scratch` and in the folders of `caches`.
    """

    kind: str
    input: dict[str, Any]
    files: dict[str, str]
    scratch: str
    caches: list[str] = []
    limits: Limits
    cores: int | None = Field(None, ge=1)  # None: as many as it may run on
    processes: int | None = Field(None, ge=1)  # that share the work; None: as many as pay
    hardware: Hardware = NO_HARDWARE
    log_fields: dict[str, str | int]


class Progressed(Wire):
    """How far a stage is."""

    type: Literal["progress"] = "progress"
    stage: Stage
    fraction: float = Field(ge=0, le=1)


class Warned(Wire):
    """Something the person should know."""

    type: Literal["warning"] = "warning"
    notice: Notice


class Probed(Wire):
    """What a decoder says of an input file."""

    type: Literal["probed"] = "probed"
    name: str
    facts: dict[str, Any]


class DoneFile(Wire):
    """A made file, below the scratch directory."""

    name: str
    path: str
    content_type: str


class Done(Wire):
    """The last word of a child whose work succeeded."""

    type: Literal["done"] = "done"
    result: dict[str, Any]
    files: list[DoneFile]
    usage: Usage


class Failed(Wire):
    """The last word of a child whose work failed: a code, and a sentence for a person.

    `detail` is what one process of a child's tells another, for the log.
    """

    type: Literal["failed"] = "failed"
    code: str
    public: str = Field(max_length=LONGEST_PUBLIC)
    detail: str = Field("", max_length=LONGEST_DETAIL)


class PartAt(Wire):
    """How far a part of the work is; one process of a child's tells another."""

    type: Literal["part_at"] = "part_at"
    fraction: float = Field(ge=0, le=1)


class PartDone(Wire):
    """The last word of the process that did a part of the work."""

    type: Literal["part_done"] = "part_done"


ChildMessage = Progressed | Warned | Probed | Done | Failed
MESSAGE: TypeAdapter[ChildMessage] = TypeAdapter(
    Annotated[ChildMessage, Field(discriminator="type")]
)

PartMessage = PartAt | PartDone | Failed
PART_MESSAGE: TypeAdapter[PartMessage] = TypeAdapter(
    Annotated[PartMessage, Field(discriminator="type")]
)


def framed(message: BaseModel) -> bytes:
    """Return the message ready to write. Raises `ValueError` if it is over the bound."""
    body = message.model_dump_json().encode()
    if len(body) > LONGEST_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is too long to send")
    return _PREFIX.pack(len(body)) + body


async def next_body(stream: asyncio.StreamReader) -> bytes | None:
    """Return the next message's bytes, `None` at the end, also one in mid-message.

    Raises `ValueError` where the length is over the bound.
    """
    try:
        (length,) = _PREFIX.unpack(await stream.readexactly(_PREFIX.size))
        _check_length(length)
        return await stream.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def receive_body(conn: socket.socket) -> bytes | None:
    """Return the next message's bytes from a blocking socket, `None` at the end."""
    with conn.makefile("rb", buffering=0) as stream:
        prefix = stream.read(_PREFIX.size) or b""
        if len(prefix) < _PREFIX.size:
            return None
        (length,) = _PREFIX.unpack(prefix)
        _check_length(length)
        body = bytearray()
        while len(body) < length:
            more = stream.read(length - len(body))
            if not more:
                return None
            body += more
        return bytes(body)


def _check_length(length: int) -> None:
    if length > LONGEST_BYTES:
        raise ValueError(f"a message of {length} bytes is too long to take")
