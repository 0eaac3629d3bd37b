"""What makes two pieces of work the same: kind, version, input, and the bytes of its files."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.idempotency import request_hash
from gateway.core.job import JobFile


def fingerprint(
    kind: str, version: int, job_input: Mapping[str, Any], files: Sequence[JobFile]
) -> str:
    """Return the name of the work: the same for what must come out the same.

    `files`: each where its reference stands in the input, by its dotted path. A file is its
    SHA-256 where somebody who can be believed has seen the bytes, whatever it is called; else
    it is the very object, for the bytes under a key never change. Labels, deadlines and who
    asks are no part of it.
    """
    stripped: Any = dict(job_input)
    for file in files:
        stripped = _without(stripped, file.name.split("."))
    return request_hash(
        {
            "kind": kind,
            "version": version,
            "input": stripped,
            "files": {file.name: _identity(file) for file in files},
        }
    )


def _identity(file: JobFile) -> list[str | int]:
    """The type too: it is what the bytes are taken for."""
    if file.sha256 is not None:
        return [file.sha256, file.size_bytes, file.content_type]
    return [file.key, file.etag, file.size_bytes, file.content_type]


def _without(value: Any, path: Sequence[str]) -> Any:
    """Return a JSON value with null at a path; only what leads there is copied."""
    if not path:
        return None
    step, *rest = path
    if isinstance(value, list):
        index = int(step)
        return [*value[:index], _without(value[index], rest), *value[index + 1 :]]
    return {**value, step: _without(value[step], rest)}
