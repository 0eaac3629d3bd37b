"""The worker's hold on its zygote: starts it, speaks to it, hears of its children's ends."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

log = logging.getLogger(__name__)

_PACKET_BYTES = 64 * 1024
# What a child may need to find its libraries and its GPU, and nothing anybody could use.
_ENVIRONMENT = frozenset(
    {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "NUMBA_CACHE_DIR", "PATH", "PYTHONPATH"}
    | {"CUDA_VISIBLE_DEVICES", "IMAGEIO_FFMPEG_EXE", "TMPDIR", "TZ"}
    | {"NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_VISIBLE_DEVICES"}
)


class ZygoteBroken(Exception):
    """The zygote did not come up; what it wrote before it died says why."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: by a signal, with a code, or with the zygote it came from."""

    signal_no: int | None = None
    code: int | None = None
    lost: bool = False


_ALWAYS = MappingProxyType(
    {
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS": "0",  # of chroma planes, at every frame
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
)


def clean_environment(ambient: Mapping[str, str], *, numba_cache_dir: str) -> dict[str, str]:
    """Return the zygote's environment: of the ambient one only what is known to be harmless.

    OpenBLAS starts threads as numpy is imported, and a fork has only the thread that forks.
    A render's threads would each reserve an arena of address space, which is what a child's
    memory limit counts: two are enough for all. A frame's planes are mapped one by one and
    given back when it goes; left alone, glibc would keep them in its heaps, which a long
    render fills with holes: at 1080p that came to 390 MB where 340 do, and grew on.
    """
    kept = {name: value for name, value in ambient.items() if name in _ENVIRONMENT}
    cache = {"NUMBA_CACHE_DIR": numba_cache_dir} if numba_cache_dir else {}
    return {**kept, **cache, **_ALWAYS}


class ZygoteProcess:
    """One zygote, from its start to its end; `lost` is called in the loop when it has died.

    It is started from the thread that runs the event loop: the kernel ends it when that
    thread ends. Its session is its own, so that no signal to the worker's group reaches it.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], lost: Callable[[], None]
    ) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid())],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._lost = lost
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._groups: dict[int, int] = {}
        self.ready = False
        self.dead = False

    @property
    def pid(self) -> int:
        """The zygote's process id."""
        return self._process.pid

    def lives(self) -> bool:
        """True unless it has died, whether the loop has heard of that already or not."""
        if not self.dead and self._process.poll() is not None:
            self._bury()
        return not self.dead

    def wait_ready(self, timeout_s: float) -> None:
        """Block until its imports are done; only before the event loop listens to it.

        Raises `ZygoteBroken`.
        """
        self._control.settimeout(timeout_s)
        try:
            packet = self._control.recv(_PACKET_BYTES)
        except TimeoutError as error:
            raise ZygoteBroken(f"not ready after {timeout_s} s") from error
        except ConnectionError:
            packet = b""
        if not packet:
            raise ZygoteBroken("it died on the way")
        self._take(packet)

    def start(self, run: int, theirs: socket.socket) -> "asyncio.Future[Exit]":
        """Ask for a child that speaks over `theirs`; the future is its end."""
        self._listen()
        exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._exits[run] = exited
        self._say({"start": run}, [theirs.fileno()])
        return exited

    def stop(self, run: int) -> None:
        """Tell the child to unwind."""
        self._say({"stop": run})

    def kill(self, run: int) -> None:
        """Kill the child and all it started."""
        self._say({"kill": run})

    def close(self) -> None:
        """End it, with all its children."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._control)
        self.dead = True
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)

    def _listen(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._control.setblocking(False)
            self._loop.add_reader(self._control, self._hear)

    def _hear(self) -> None:
        while not self.dead:
            try:
                packet = self._control.recv(_PACKET_BYTES)
            except BlockingIOError:
                return
            except ConnectionError:
                packet = b""
            if not packet:
                self._died()
                return
            self._take(packet)

    def _take(self, packet: bytes) -> None:
        match json.loads(packet):
            case {"ready": list()}:
                self.ready = True
            case {"started": int(run), "pid": int(pid)}:
                self._groups[run] = pid
            case {"exited": int(run), "signal": signal_no, "code": code}:
                self._groups.pop(run, None)
                self._settle(run, Exit(signal_no, code))

    def _settle(self, run: int, how: Exit) -> None:
        exited = self._exits.pop(run, None)
        if exited is not None and not exited.done():
            exited.set_result(how)

    def _say(self, packet: Mapping[str, int], fds: Sequence[int] = ()) -> None:
        if self.dead:
            return
        try:
            socket.send_fds(self._control, [json.dumps(packet).encode()], list(fds))
        except (ConnectionError, BlockingIOError) as error:
            # Thousands of packets unread count as dead: it does nothing but read them.
            log.error("zygote.does_not_listen", extra={"why": repr(error)})
            self._died()

    def _died(self) -> None:
        if not self.dead:
            self._bury()
            self._lost()

    def _bury(self) -> None:
        self.dead = True
        if self._loop is not None:
            self._loop.remove_reader(self._control)
        self._control.close()
        self._process.kill()
        self._process.wait(timeout=5)
        log.error("zygote.died", extra={"status": self._process.returncode})
        # Its children die with it by the kernel's hand; what they started is for us to end.
        for pid in self._groups.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        for run in list(self._exits):
            self._settle(run, Exit(lost=True))
