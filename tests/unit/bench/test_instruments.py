"""The instruments see what they are there to see: a lost event, a shifted picture."""

import asyncio
import json

import numpy as np
import pytest

from bench.clips import Film, natural
from bench.gateway_process import Secrets, environment
from bench.http_calls import Connection, request_bytes
from bench.jitter import DOTS, SIGMA_PX, shown_rect
from bench.rendering import RATE, framing_order, overlay_order
from bench.socket_watcher import PONG, SocketWatcher
from bench.watcher import Watcher, Window
from bench.watchers import Heard, summed_up
from shared.kinds.export.framing import FramingInput
from shared.kinds.export.overlay import OverlayInput
from shared.render.cropping import Rect, Size

CROP = Rect(600.3, 40.2, 562.5, 1000.0)


def dots_seen_through(rect: Rect, size: Size) -> np.ndarray:
    """The lattice as a perfect crop would show it."""
    zoom = size.width_px / rect.width
    columns, rows = np.arange(size.width_px) + 0.5, np.arange(size.height_px) + 0.5
    x, y = np.array(DOTS).T[:, :, None]
    across = np.exp(-((columns - (x - rect.x) * zoom) ** 2) / (2 * (SIGMA_PX * zoom) ** 2))
    down = np.exp(-((rows - (y - rect.y) * zoom) ** 2) / (2 * (SIGMA_PX * zoom) ** 2))
    return np.rint(40 + 170 * down.T @ across)


@pytest.mark.parametrize("shift_px", [0.0, 0.04, -0.5])
def test_d124_the_lattice_tells_where_a_crop_is_to_a_hundredth_of_a_pixel(shift_px: float):
    really = Rect(CROP.x + shift_px, CROP.y - shift_px, CROP.width, CROP.height)

    found = shown_rect(dots_seen_through(really, Size(540, 960)), CROP)

    assert found.centre == pytest.approx(really.centre, abs=0.01)


def line(seq: int, at: str = "2026-11-21T12:00:00.000000Z") -> bytes:
    body = json.dumps({"seq": seq, "type": "stage", "at": at, "job": {}}, separators=(",", ":"))
    return f"id: {seq}\nevent: stage\ndata: {body}\n\n".encode()


def heard(*parts: bytes) -> Heard:
    """What a watcher makes of the bytes as they come."""
    window = Window()
    window.open = True
    watcher = Watcher(b"", window)
    for part in parts:
        watcher.data_received(part)
    return summed_up([watcher], window)


def test_events_cut_anywhere_on_the_way_are_all_counted():
    stream = b"".join(b"%x\r\n%s\r\n" % (len(line(n)), line(n)) for n in range(3))

    found = heard(*(stream[at : at + 7] for at in range(0, len(stream), 7)))

    assert (found.events, found.gaps) == (3, 0)


@pytest.mark.parametrize("seqs", [(0, 2), (0, 1, 1), (1, 0)], ids=str)
def test_an_event_lost_repeated_or_out_of_order_is_a_gap(seqs: tuple[int, ...]):
    assert heard(*map(line, seqs)).gaps == 1


def test_a_watcher_that_heard_nothing_is_a_gap():
    window = Window()
    window.open = True
    speaking, silent = Watcher(b"", window), Watcher(b"", window)
    speaking.data_received(line(0))

    assert summed_up([speaking, silent], window).gaps == 1


def frame(payload: bytes, opcode: int = 0x1) -> bytes:
    """A server's frame, its length written in as few bytes as will do."""
    if len(payload) < 126:
        return bytes([0x80 | opcode, len(payload)]) + payload
    if len(payload) < 2**16:
        return bytes([0x80 | opcode, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([0x80 | opcode, 127]) + len(payload).to_bytes(8, "big") + payload


def message(seq: int, padding: int = 0) -> bytes:
    body = {
        "seq": seq,
        "type": "stage",
        "at": "2026-11-21T12:00:00.000000Z",
        "job": "x" * padding,
    }
    return frame(json.dumps(body, separators=(",", ":")).encode())


def heard_by_socket(stream: bytes, *, step: int = 7) -> tuple[Heard, bytes]:
    """What a watcher makes of a socket's bytes, and what it writes."""

    class Transport(asyncio.WriteTransport):
        written = b""

        def write(self, data) -> None:
            self.written += data

    window, transport = Window(), Transport()
    window.open = True
    watcher = SocketWatcher("/live", {}, window)
    watcher.connection_made(transport)
    asked = len(transport.written)
    stream = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + stream
    for at in range(0, len(stream), step):
        watcher.data_received(stream[at : at + step])
    return summed_up([watcher], window), transport.written[asked:]


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_frames_of_any_length_cut_anywhere_are_all_counted(step: int):
    stream = message(0) + message(1, 200) + message(2, 70_000) + message(3)

    found, _ = heard_by_socket(stream, step=step)

    assert (found.events, found.gaps) == (4, 0)


def test_an_event_that_a_socket_leaves_out_is_a_gap():
    assert heard_by_socket(message(0) + message(2))[0].gaps == 1


def test_a_ping_is_answered_and_is_no_event():
    found, written = heard_by_socket(message(0) + frame(b"", 0x9) + message(1))

    assert (found.events, written) == (2, PONG)


def test_what_is_no_socket_breaks_the_measurement():
    watcher = SocketWatcher("/live", {}, Window())

    with pytest.raises(RuntimeError, match="403"):
        watcher.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")


async def test_a_connection_serves_one_request_after_the_other():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in (b'{"n":1}', b"no"):
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (200 + len(body), len(body))
            writer.write(head + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        connection = await Connection.to(f"http://{host}:{port}")
        first = await connection.ask(request_bytes("GET", "/", {}))
        second = await connection.ask(request_bytes("GET", "/", {}))
        connection.close()

    assert first.json(expected=207) == {"n": 1}
    with pytest.raises(RuntimeError, match="202, not 200"):
        second.json(expected=200)


def test_the_orders_that_are_measured_are_ones_the_kinds_accept():
    film, source = Film(1920, 1080, RATE, 10), {"source": {"asset_id": "a1"}}

    crop = FramingInput.model_validate({**source, **framing_order(film, Size(1080, 1920))})
    blur = OverlayInput.model_validate({**source, **overlay_order(film)})

    assert crop.crop_keyframes is not None
    assert crop.crop_keyframes[-1].frame == film.frames - 1
    assert sum(r.end_frame - r.start_frame for r in blur.highlight_regions) == film.frames


def test_the_scene_has_texture_at_every_scale():
    plane = natural(128, 256, mean=118, spread=45, seed=1).astype(float)

    halves = [np.diff(plane[:: 2**k, :: 2**k], axis=1).std() for k in range(4)]

    assert halves == sorted(halves)
    assert halves[0] > 5


def test_secrets_of_a_run_are_its_own_and_stay_out_of_its_repr(tmp_path):
    one, other = Secrets.fresh(), Secrets.fresh()

    assert one.api_key != other.api_key
    assert one.api_key not in repr(one)
    assert environment(one, tmp_path / "db")["CUTROOM_API_KEYS"] == one.api_key
