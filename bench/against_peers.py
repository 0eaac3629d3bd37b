"""Our renders beside MoviePy's and a plain OpenCV loop's, and the quality of all of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
from numpy.typing import NDArray

from bench import ffmpeg_floor
from bench.clips import Film, dotted, textured
from bench.figures import Figure, Measurement
from bench.jitter import DOTS, FIRST, LAST, SIGMA_PX, shown_rect
from bench.paired import interleaved, spawned
from bench.peers.orders import Order
from bench.peers.renders import Name, Peer, warm_peer
from bench.rendering import OUTPUT, RATE, SOURCE, framing_order, overlay_order
from bench.resample_oracle import luma_wanted, psnr_db
from bench.warm_worker import warm_worker
from bench.workplace import Workplace
from shared.kinds.export.framing import FramingInput
from shared.render.cropping import Rect, Size
from shared.render.effects import blur_sigma_px
from shared.render.keyframes import CropPath, Keyframe

NAMES: tuple[Name, ...] = get_args(Name)
_FILM = Film(SOURCE.width_px, SOURCE.height_px, RATE, 1, crf=4)
_LOOKED_AT = 6  # frames compared with the oracle: a float64 sum over a 1080p frame is slow

Luma = NDArray[np.uint8]


def framing(place: Workplace) -> Mapping[str, float]:
    """A crop that moves all the time: ours warm, and theirs warm, in whole pixels."""
    film, clip = _scene(place)
    order = framing_order(film, OUTPUT)
    asked = FramingInput.model_validate({"source": {"asset_id": "a1"}, **order})
    path = CropPath(tuple(k.plain() for k in asked.crop_keyframes or ()), SOURCE, OUTPUT)
    rects = [_corners(path.rect(n)) for n in range(film.frames)]
    theirs = Order(
        str(clip), str(place.room("peer") / "crop.mp4"), _pair(OUTPUT), RATE, rects=rects
    )
    walls = _walls(place, "export.framing", clip, order, theirs, NAMES)
    return {f"framing_wall_vs_{name}": walls["ours"] / walls[name] for name in NAMES}


def overlay(place: Workplace) -> Mapping[str, float]:
    """A blur around an ellipse that moves each second: ours, and MoviePy's."""
    film, clip = _scene(place)
    order = overlay_order(film)
    ellipses = [
        (region["x"], region["y"], region["radius_x"], region["radius_y"])
        for region in order["highlight_regions"]
        for _ in range(region["start_frame"], region["end_frame"])
    ]
    theirs = Order(
        str(clip),
        str(place.room("peer") / "blur.mp4"),
        _pair(SOURCE),
        RATE,
        ellipses=ellipses,
        sigma_px=blur_sigma_px(SOURCE),
    )
    walls = _walls(place, "export.overlay", clip, order, theirs, ("moviepy",))
    return {"overlay_wall_vs_moviepy": walls["ours"] / walls["moviepy"]}


def quality(place: Workplace) -> Mapping[str, float]:
    """What each peer's pictures are worth: lossless files of a slow pan over dots."""
    clip = dotted(place.room("dots") / "dots.mp4", _FILM, DOTS, SIGMA_PX)
    keyframes = (Keyframe(0, FIRST), Keyframe(_FILM.frames - 1, LAST))
    path = CropPath(keyframes, SOURCE, OUTPUT)
    rects = [path.rect(n) for n in range(_FILM.frames)]
    room = place.room("peers")
    found: dict[str, float] = {}
    sources = list(_luma(clip, SOURCE))
    told = ffmpeg_floor.moving_crop(
        clip, rects, RATE, OUTPUT, room / "sendcmd.mp4", lossless=True
    )
    spawned(told)
    found |= _worth("sendcmd", _luma(room / "sendcmd.mp4", OUTPUT), sources, rects)
    for name in NAMES:
        made = room / f"{name}.mp4"
        with warm_peer(place, name) as peer:
            corners = [_corners(rect) for rect in rects]
            peer.make(Order(str(clip), str(made), _pair(OUTPUT), RATE, rects=corners, crf=0))
        found |= _worth(name, _luma(made, OUTPUT), sources, rects)
    return found


def _worth(
    name: str, frames: Iterator[Luma], sources: Sequence[Luma], rects: Sequence[Rect]
) -> dict[str, float]:
    """How far its crop lies from the plan, and how near its pixels are to the oracle's."""
    errors, likeness = [], []
    for n, (luma, source, wanted) in enumerate(zip(frames, sources, rects, strict=True)):
        shown = shown_rect(luma.astype(np.float64), wanted)
        errors.append(np.hypot(*np.subtract(shown.centre, wanted.centre)))
        if n % max(1, len(rects) // _LOOKED_AT) == 0:
            likeness.append(psnr_db(luma, luma_wanted(source, wanted, OUTPUT)))
    return {
        f"{name}_jitter_max_px": float(max(errors)),
        f"{name}_jitter_rms_px": float(np.sqrt(np.mean(np.square(errors)))),
        f"{name}_psnr_db": min(likeness),
    }


def _walls(
    place: Workplace,
    kind: str,
    clip: Path,
    order: Mapping[str, Any],
    theirs: Order,
    names: Sequence[Name],
) -> dict[str, float]:
    with ExitStack() as stack:
        peers: dict[str, Peer] = {
            name: stack.enter_context(warm_peer(place, name)) for name in names
        }
        worker = stack.enter_context(warm_worker(place))
        best = interleaved(
            {
                "ours": partial(worker.cost, kind, clip, order),
                **{name: partial(peer.cost, theirs) for name, peer in peers.items()},
            },
            place.effort.rounds,
        )
    return {name: cost.wall_s for name, cost in best.items()}


def _luma(path: Path, size: Size) -> Iterator[Luma]:
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            plane = frame.planes[0]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            yield rows[: size.height_px, : size.width_px].copy()


def _scene(place: Workplace) -> tuple[Film, Path]:
    film = Film(SOURCE.width_px, SOURCE.height_px, RATE, place.effort.clip_s)
    return film, textured(place.room("clip") / "clip.mp4", film)


def _corners(rect: Rect) -> tuple[float, float, float, float]:
    return rect.x, rect.y, rect.width, rect.height


def _pair(size: Size) -> tuple[int, int]:
    return size.width_px, size.height_px


def _recorded(name: str) -> tuple[Figure, ...]:
    return (
        Figure(f"{name}_jitter_max_px", "px", 0.05, judged=False),
        Figure(f"{name}_jitter_rms_px", "px", 0.01, judged=False),
        Figure(f"{name}_psnr_db", "dB", 55, judged=False, at_least=True),
    )


MEASUREMENTS = (
    Measurement(
        (
            Figure("framing_wall_vs_moviepy", "×", 0.90),
            Figure("framing_wall_vs_opencv", "×", 0.90, judged=False),
        ),
        framing,
    ),
    Measurement((Figure("overlay_wall_vs_moviepy", "×", 0.25),), overlay),
    Measurement(
        tuple(figure for name in ("sendcmd", *NAMES) for figure in _recorded(name)), quality
    ),
)
