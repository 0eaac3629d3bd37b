"""Our hold on a peer: started warm, told orders, timed by itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imageio_ffmpeg

from bench.figures import CannotRun
from bench.paired import Cost
from bench.peers.orders import Order
from bench.talk import Talk, talking
from bench.workplace import LONGEST_S, Workplace

INTERPRETER = Path(".venv-peers/bin/python")

Name = Literal["moviepy", "opencv"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One that has imported what it needs and waits."""

    talk: Talk

    def make(self, order: Order) -> Cost:
        """Have it made; the file stays."""
        self.talk.say_line(order.line())
        return Cost(**self.talk.hear(LONGEST_S))

    def cost(self, order: Order) -> Cost:
        """Have it made, drop the file, and return the time taken."""
        took = self.make(order)
        Path(order.into).unlink()
        return took


@contextmanager
def warm_peer(place: Workplace, name: Name) -> Iterator[Peer]:
    """Start one. Raises `CannotRun` where it is not installed; `make bench` installs it."""
    if not INTERPRETER.exists():
        raise CannotRun(f"the peer {name} is not installed: `make peers`")
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
        "HOME": str(place.folder),
        "IMAGEIO_FFMPEG_EXE": imageio_ffmpeg.get_ffmpeg_exe(),
    }
    module = f"bench.peers.{name}_renders"
    with talking(place, module, env=env, python=INTERPRETER) as talk:
        talk.hear()
        yield Peer(talk)
