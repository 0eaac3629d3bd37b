"""An answer that is an error, in S3's words."""

from collections.abc import Mapping


class Refusal(Exception):
    """The request is not carried out; `code` is S3's name for why."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
