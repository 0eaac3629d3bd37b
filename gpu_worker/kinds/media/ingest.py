"""`media.ingest`: look an image or a video through, and make a thumbnail of it."""

from pathlib import Path

from PIL import Image

from gpu_worker.kind_work import Made, MadeFile, Work
from gpu_worker.media.decoding.containers import demuxer_of
from gpu_worker.media.decoding.probe import probe
from gpu_worker.media.picture.resample import PlaneResampler, plane_resampler
from gpu_worker.media.stills.image_files import HEAD_BYTES, format_of, read_thumbnail
from gpu_worker.media.stills.video_alpha import has_alpha
from gpu_worker.media.stills.video_still import video_thumbnail
from gpu_worker.media.stills.writing import write_still
from shared.errors import JobFailed
from shared.kinds.media.ingest import KIND, IngestInput, IngestResult
from shared.render.still_formats import StillFormat
from shared.work import Notice

__all__ = ["KIND", "run"]

_SOURCE = "source"
_AT_S = 0.1  # a little in: the first frame of many videos is black


def run(work: Work[IngestInput], resampler: PlaneResampler | None = None) -> Made:
    """Say what the file is and make its thumbnail. Raises `JobFailed`."""
    path = work.files[_SOURCE]
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    with work.looking():
        if (form := format_of(head)) is not None:
            return _image(work, path, form)
        if demuxer_of(head) is None:
            raise _neither(head)
        return _video(work, path, resampler or plane_resampler())


def _neither(head: bytes) -> JobFailed:
    if not head:
        return JobFailed("input_unreadable", "The file is empty. Upload it again.")
    return JobFailed(
        "input_unreadable",
        "The file is neither an image nor a video we can read. Upload a PNG, JPEG or WebP, "
        "or an MP4, MOV, WebM, MKV or AVI.",
    )


def _image(work: Work[IngestInput], path: Path, form: str) -> Made:
    work.progress("thumbnail", 0.0)
    facts, thumbnail = read_thumbnail(path, form, work.input.max_size)
    work.probed(_SOURCE, facts.kept)
    return _made(
        work,
        thumbnail,
        IngestResult(
            family="image",
            container=facts.form,
            width_px=facts.displayed.width_px,
            height_px=facts.displayed.height_px,
            duration_s=None,
            has_alpha=facts.has_alpha,
            animated=facts.animated,
            thumbnail_width_px=thumbnail.width,
            thumbnail_height_px=thumbnail.height,
        ),
    )


def _video(work: Work[IngestInput], path: Path, resampler: PlaneResampler) -> Made:
    work.progress("prepare", 0.0)
    source = probe(path)
    transparent = has_alpha(source)
    work.probed(_SOURCE, {"family": "video", **source.facts, "has_alpha": transparent})
    for remark in source.remarks:
        work.warn(Notice(code=remark.code, message=remark.message))
    work.progress("thumbnail", 0.0)
    thumbnail = video_thumbnail(
        source, _AT_S, work.input.max_size, resampler, has_alpha=transparent
    )
    video, audio = source.video, source.audio
    return _made(
        work,
        thumbnail,
        IngestResult(
            family="video",
            container=source.container.partition(",")[0],
            width_px=source.look.displayed.width_px,
            height_px=source.look.displayed.height_px,
            duration_s=float(video.duration),
            frames=video.frames,
            rate=f"{video.rate.numerator}/{video.rate.denominator}",
            video_codec=video.codec,
            audio_codec=audio.codec if audio else None,
            has_audio=audio is not None,
            has_alpha=transparent,
            thumbnail_width_px=thumbnail.width,
            thumbnail_height_px=thumbnail.height,
        ),
    )


def _made(work: Work[IngestInput], thumbnail: Image.Image, result: IngestResult) -> Made:
    path = work.scratch / "thumbnail.png"
    write_still(thumbnail, path, StillFormat.PNG, quality=100)
    work.progress("thumbnail", 1.0)
    return Made(result, (MadeFile("thumbnail", path, StillFormat.PNG.content_type),))
