"""What reaches nobody's logger becomes lines of the log: prints, warnings, uncaught errors."""

import io
import logging
import sys
import threading
from types import TracebackType

from typing_extensions import override

from shared.logs import LONGEST_VALUE

log = logging.getLogger(__name__)


def log_what_strays() -> None:
    """Log warnings, and errors that nobody caught; called once, by an entrypoint."""
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def log_what_is_printed() -> None:
    """Log it line by line; called once, after `start_logging` was handed the true stream."""
    sys.stdout = Printed()


class Printed(io.TextIOBase):
    """A stream whose lines are logged; each thread writes lines of its own."""

    def __init__(self) -> None:
        self._begun = threading.local()

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, text: str) -> int:
        """Keep what is written until its line is whole, or too long to wait for."""
        *whole, rest = f"{getattr(self._begun, 'line', '')}{text}".split("\n")
        if len(rest) > LONGEST_VALUE:
            whole, rest = [*whole, rest], ""
        self._begun.line = rest
        for line in whole:
            if line.strip():
                log.info("printed", extra={"text": line[:LONGEST_VALUE]})
        return len(text)


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    log.critical("uncaught", exc_info=(kind, error, traceback))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        extra = {"in_thread": args.thread.name if args.thread else ""}
        log.critical(
            "uncaught",
            extra=extra,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )
