"""Figures of the renders: time beside ffmpeg's in the same run, and memory."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench import blur_oracle, ffmpeg_floor
from bench.clips import Film, textured
from bench.figures import Figure, Measurement
from bench.paired import interleaved, spawned
from bench.warm_worker import warm_worker
from bench.workplace import Workplace
from shared.kinds.export.framing import FramingInput
from shared.render.cropping import Size, centred
from shared.render.keyframes import CropPath

WIDTH_PX, HEIGHT_PX, RATE = 1920, 1080, 30
SOURCE, OUTPUT = Size(WIDTH_PX, HEIGHT_PX), Size(1080, 1920)
MB = 1_000_000

# Following someone through the picture: 9:16, the whole height and a little less, to and fro.
_STOPS = (
    (0.0, 300.0, 1080.0),
    (0.33, 700.0, 960.0),
    (0.67, 1000.0, 1020.0),
    (1.0, 620.0, 1080.0),
)


def framing_order(film: Film, output: Size) -> dict[str, Any]:
    """The input of `export.framing` for a crop that moves all the time."""
    scale = film.height_px / HEIGHT_PX
    keyframes = [
        {
            "frame": round(part * (film.frames - 1)),
            "x": x * scale,
            "y": (HEIGHT_PX - height) / 2 * scale,
            "width": height * 9 / 16 * scale,
            "height": height * scale,
        }
        for part, x, height in _STOPS
    ]
    return {
        "crop_keyframes": keyframes,
        "output_width": output.width_px,
        "output_height": output.height_px,
    }


def overlay_order(film: Film) -> dict[str, Any]:
    """The input of `export.overlay` that blurs all but an ellipse, which moves each second."""
    regions = [
        {
            "start_frame": second * film.rate,
            "end_frame": (second + 1) * film.rate,
            "x": 500 + 60 * second,
            "y": 520 + 20 * (second % 3),
            "radius_x": 260,
            "radius_y": 180,
        }
        for second in range(film.length_s)
    ]
    size = {"output_width": film.width_px, "output_height": film.height_px}
    return {"highlight_regions": regions, "effect_type": "blur", **size}


def _film(place: Workplace) -> tuple[Film, Path]:
    film = Film(WIDTH_PX, HEIGHT_PX, RATE, place.effort.clip_s)
    return film, textured(place.room("clip") / "clip.mp4", film)


def framing(place: Workplace) -> Mapping[str, float]:
    """Our moving crop, warm, beside ffmpeg's still one and its moving one."""
    film, clip = _film(place)
    order = framing_order(film, OUTPUT)
    asked = FramingInput.model_validate({"source": {"asset_id": "a1"}, **order})
    keyframes = tuple(each.plain() for each in asked.crop_keyframes or ())
    path = CropPath(keyframes, SOURCE, OUTPUT)
    rects = [path.rect(n) for n in range(film.frames)]
    made = place.room("peers")
    floor = ffmpeg_floor.static_crop(clip, centred(SOURCE, OUTPUT), OUTPUT, made / "still.mp4")
    sendcmd = ffmpeg_floor.moving_crop(clip, rects, RATE, OUTPUT, made / "moving.mp4")
    with warm_worker(place) as worker:
        best = interleaved(
            {
                "floor": partial(spawned, floor),
                "ours": partial(worker.cost, "export.framing", clip, order),
                "sendcmd": partial(spawned, sendcmd),
            },
            place.effort.rounds,
        )
        peak_bytes = max(worker.peaks)
    ours_s = best["ours"].wall_s
    return {
        "framing_wall_vs_floor": ours_s / best["floor"].wall_s,
        "framing_wall_vs_sendcmd": ours_s / best["sendcmd"].wall_s,
        "render_peak_mb": peak_bytes / MB,
    }


def overlay(place: Workplace) -> Mapping[str, float]:
    """Our blur around an ellipse, warm, beside a plain transcode of the same clip."""
    film, clip = _film(place)
    plain = ffmpeg_floor.transcode(clip, place.room("peers") / "plain.mp4")
    with warm_worker(place) as worker:
        best = interleaved(
            {
                "transcode": partial(spawned, plain),
                "ours": partial(worker.cost, "export.overlay", clip, overlay_order(film)),
            },
            place.effort.rounds,
        )
    return {"overlay_wall_vs_transcode": best["ours"].wall_s / best["transcode"].wall_s}


def peak_growth(place: Workplace) -> Mapping[str, float]:
    """Peak memory of a long render over a short one's: few frames a second, with sound."""
    peaks = []
    with warm_worker(place) as worker:
        for length_s in (place.effort.short_clip_s, place.effort.long_clip_s):
            film = Film(1280, 720, 4, length_s, crf=23)
            clip = textured(place.room("length") / f"{length_s}.mp4", film)
            made = worker.render("export.framing", clip, framing_order(film, Size(404, 720)))
            peaks.append(made.peak_bytes)
            clip.unlink()
            made.path.unlink()
    return {"render_peak_growth": peaks[1] / peaks[0]}


MEASUREMENTS = (
    Measurement(
        (
            Figure("framing_wall_vs_floor", "×", 1.20),
            Figure("framing_wall_vs_sendcmd", "×", 1.05),
            Figure("render_peak_mb", "MB", 500),
        ),
        framing,
    ),
    Measurement((Figure("overlay_wall_vs_transcode", "×", 1.30),), overlay),
    *blur_oracle.MEASUREMENTS,
    Measurement((Figure("render_peak_growth", "×", 1.1),), peak_growth),
)
