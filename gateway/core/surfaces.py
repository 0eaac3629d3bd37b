"""The faces the gateway shows: its own `/v1`, and one for each product."""

from enum import StrEnum


class Surface(StrEnum):
    """Through which face a job was asked for; its keys follow that face's layout."""

    V1 = "v1"
    EXPORTS = "exports"
