"""What the worker knows of an input video before it renders: the values that `probe` finds."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gpu_worker.media.picture.look import Look
from shared.render.plan import Footage, Remark

HDR_TONE_MAPPED = Remark(
    "hdr_tone_mapped",
    "The video is HDR; its brightness and colours were brought to those of standard video.",
)
TRANSPARENCY_LOST = Remark(
    "transparency_lost", "The video is transparent in places; it was laid on black."
)
AUDIO_DROPPED = Remark("audio_dropped", "The sound cannot be decoded and was left out.")


@dataclass(frozen=True, slots=True)
class SyncSample:
    """A frame that decodes alone: its PTS, and the timestamp a demuxer finds it by."""

    pts: int
    seek_to: int


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The video stream in time. `origin` is the first frame's PTS in ticks of `timebase`.

    `stamped` is False where the container holds no PTS, as AVI: frames then come in order,
    and only the decoder's DTS tells how far they are apart. `held_back` is how many frames
    a decoder keeps until it can tell which comes first.
    """

    index: int
    codec: str
    timebase: Fraction
    origin: int
    rate: Fraction
    frames: int
    duration: Fraction
    packets: int
    sync_samples: tuple[SyncSample, ...]
    stamped: bool
    held_back: int

    @property
    def starts_at(self) -> Fraction:
        """When the first frame is shown, in seconds on the container's clock."""
        return self.origin * self.timebase


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """The first audio stream; `starts` and `ends` are its packets' in ticks of `timebase`."""

    index: int
    codec: str
    timebase: Fraction
    sample_rate: int
    channels: int
    starts: "array[int]"
    ends_at_tick: int

    def begins_packet(self, at: Fraction) -> bool:
        """Whether a packet begins at this instant, within half a sample; at the end too."""
        tick = at / self.timebase
        slack = 1 / (2 * self.sample_rate * self.timebase)
        near = bisect_right(self.starts, tick + slack)
        edges = (*self.starts[max(0, near - 1) : near], self.ends_at_tick)
        return any(abs(edge - tick) <= slack for edge in edges)


@dataclass(frozen=True, slots=True)
class Source:
    """An input video, looked through once. `remarks` are what the person should know of it."""

    path: Path
    container: str
    look: Look
    video: VideoTrack
    audio: AudioTrack | None
    remarks: tuple[Remark, ...]

    @property
    def footage(self) -> Footage:
        """What a plan must know."""
        return Footage(
            self.look.displayed, self.video.rate, self.video.frames, self.video.duration
        )

    @property
    def facts(self) -> dict[str, object]:
        """What is kept with the asset: plain values."""
        audio = self.audio
        return {
            "container": self.container,
            "video_codec": self.video.codec,
            "pixel_format": self.look.pixel_format,
            "width_px": self.look.displayed.width_px,
            "height_px": self.look.displayed.height_px,
            "rate": f"{self.video.rate.numerator}/{self.video.rate.denominator}",
            "frames": self.video.frames,
            "duration_s": float(self.video.duration),
            "has_audio": audio is not None,
            "audio_codec": audio.codec if audio else None,
            "audio_sample_rate_hz": audio.sample_rate if audio else None,
            "audio_channels": audio.channels if audio else None,
        }
