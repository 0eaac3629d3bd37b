"""What ffmpeg's command does by itself, with the encoder set as the engine sets it."""

from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

from shared.render.cropping import Rect, Size

# As the engine's own, for `standard`; threads are ffmpeg's own choice, which is x264's.
ENCODER = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"),
    *("-c:a", "copy", "-movflags", "+faststart"),
)


def static_crop(source: Path, rect: Rect, output: Size, into: Path) -> list[str]:
    """The floor: one crop for all frames, scaled by Lanczos."""
    crop = f"crop={_even(rect.width)}:{_even(rect.height)}:{round(rect.x)}:{round(rect.y)}"
    return _command(source, ["-vf", f"{crop},{_scale(output)}"], into)


def moving_crop(
    source: Path,
    rects: Sequence[Rect],
    rate: int,
    output: Size,
    into: Path,
    *,
    lossless: bool = False,
) -> list[str]:
    """The peer that moves, in whole pixels: the crop is told its place before each frame."""
    told = into.with_suffix(".cmd")
    told.write_text(
        "\n".join(
            f"{max(n / rate - 0.01, 0):.4f} crop w {_even(r.width)}, crop h {_even(r.height)},"
            f" crop x {r.x:.3f}, crop y {r.y:.3f};"
            for n, r in enumerate(rects)
        )
    )
    first = rects[0]
    crop = f"crop={_even(first.width)}:{_even(first.height)}:{first.x:.3f}:{first.y:.3f}"
    graph = f"sendcmd=f={told},{crop}:exact=1,{_scale(output)}:eval=frame"
    more = ["-crf", "0"] if lossless else []
    return _command(source, ["-vf", graph], into, more)


def transcode(source: Path, into: Path) -> list[str]:
    """Decode and encode, nothing between."""
    return _command(source, [], into)


def _command(
    source: Path, middle: list[str], into: Path, after: Sequence[str] = ()
) -> list[str]:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    quiet = ["-y", "-nostdin", "-loglevel", "error"]
    return [ffmpeg, *quiet, "-i", str(source), *middle, *ENCODER, *after, str(into)]


def _scale(output: Size) -> str:
    return f"scale={output.width_px}:{output.height_px}:flags=lanczos"


def _even(length: float) -> int:
    return 2 * round(length / 2)
