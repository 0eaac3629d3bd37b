"""What the preview of a plan looks like."""

from pydantic import BaseModel, Field

from gateway.api.openapi.models import JobWarning
from shared.render.effects import Effect
from shared.render.layers import Anchor


class PlannedFootage(BaseModel):
    """The video a plan is of."""

    width_px: int
    height_px: int
    rate: str = Field(description="Frames a second, as a fraction.")
    frames: int
    duration_s: float


class PlannedOutput(BaseModel):
    """The size that is made of it."""

    width_px: int
    height_px: int


class KeptFrames(BaseModel):
    """The frames kept, on the input's timeline, half-open."""

    from_: int = Field(alias="from")
    to: int


class AudioCut(BaseModel):
    """Where the sound is cut, in seconds after the first video frame."""

    start_s: float
    end_s: float


class PlannedEffect(BaseModel):
    """The effect, and its widths in pixels of the displayed input."""

    type: Effect
    blur_sigma_px: float
    outline_width_px: float


class PlannedRegion(BaseModel):
    """An ellipse as it stands on one frame, in pixels of the displayed input."""

    x: float = Field(description="Centre.")
    y: float = Field(description="Centre.")
    radius_x: float
    radius_y: float
    edge_px: float = Field(description="Width of the linear edge, half of it outside.")
    opacity: float
    color: str


class LayerOnFrame(BaseModel):
    """A layer as one frame of the output has it, in pixels of the output."""

    index: int = Field(description="Its place in `input.layers`, from 0.")
    opacity: float = Field(description="With its fades, above 0.")
    anchor: Anchor = Field(description="The point of it that lies at x, y.")
    x: float
    y: float
    width: float | None = Field(description="Null where it follows from what it shows.")
    height: float | None = Field(description="Null where it follows from what it shows.")


class PlannedFrame(BaseModel):
    """One frame: what of the input it shows, and what is drawn on it."""

    frame: int = Field(description="On the input's timeline, from 0.")
    output_frame: int = Field(description="In the output, from 0.")
    rect: list[float] = Field(
        min_length=4,
        max_length=4,
        description="x, y, width and height of what is shown, in pixels of the displayed "
        "input: inside it, and of the output's aspect.",
    )
    regions: list[PlannedRegion] = Field(description="In drawing order.")
    layers: list[LayerOnFrame] = Field(description="In drawing order, over the output.")


class PlanPreview(BaseModel):
    """What would be rendered."""

    kind: str
    footage: PlannedFootage
    output: PlannedOutput
    rate: str = Field(description="Frames a second of the output, as a fraction.")
    kept: KeptFrames
    audio: AudioCut | None = Field(description="Null for a still picture.")
    effect: PlannedEffect
    warnings: list[JobWarning] = Field(description="What the job would say of the plan.")
    frames: list[PlannedFrame]
    next_from: int | None = Field(
        description="The `from` of the next page; null where this one is the last."
    )
