"""A port that stays ours while nobody listens on it."""

import errno
import socket

LOOPBACK = "127.0.0.1"


class PortTaken(Exception):
    """Somebody else listens there, or is about to; the text says where."""


def listener(port: int = 0) -> socket.socket:
    """Return a listening loopback socket on `port`, or a free one.

    Its protocol is named, for asyncio turns Nagle's algorithm off on no other: each small
    answer would wait 40 ms for the caller's delayed acknowledgement. Raises `PortTaken`.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise _taken(port, error) from error
    return listening


def _taken(port: int, error: OSError) -> Exception:
    """Return an error that says which port it was; the kernel's own words do not."""
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"port {port} of {LOOPBACK} is taken by another program")
    return error


class ReservedPort:
    """A loopback port kept for a server that starts later, ends and starts again.

    The socket held here is bound and does not listen: callers are refused meanwhile, and the
    kernel gives the port to no outgoing connection. The server binds it with SO_REUSEADDR.
    """

    def __init__(self, port: int = 0) -> None:
        """Reserve `port`, or a free one. Raises `PortTaken`."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((LOOPBACK, port))
        except OSError as error:
            self._socket.close()
            raise _taken(port, error) from error
        self.number: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address of the server that will be there."""
        return f"http://{LOOPBACK}:{self.number}"

    def release(self) -> None:
        """Let others have the port."""
        self._socket.close()
