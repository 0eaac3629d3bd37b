"""`export.framing`: cut a part of a video in time, and follow a subject with the crop."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from shared.delivery_models import DELIVERY_OUTPUTS, OPTIONAL_OUTPUTS, asked_outputs
from shared.job_kind import JobKind, PriceRule, Rule, StoredFile, Wire
from shared.movement_models import EasedKeyframes
from shared.numbers import Number
from shared.render.plan import Footage, Plan, plan_framing
from shared.render_models import (
    EXPORT_LIMITS,
    CropKeyframes,
    ExportInput,
    ExportResult,
    OutputShape,
)
from shared.render_price import DEADLINE_S, EXPORT_PRICE, likely_s

_Time = Annotated[Number, Field(ge=0)]


class FramingLook(OutputShape):
    """The crop's keyframes, straight lines between; frames count on the input's timeline."""

    crop_keyframes: CropKeyframes | None = Field(
        description="Null or empty shows the largest rectangle in the middle."
    )


class Trim(Wire):
    """The part in time to keep."""

    start_time: _Time | None = Field(None, description="Seconds; null is the beginning.")
    end_time: _Time | None = Field(None, description="Seconds, not included; null is the end.")

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> "Trim":
        if self.end_time is not None and self.end_time <= (self.start_time or 0.0):
            raise Rule("invalid_range", "end_time must be after start_time", at=("end_time",))
        return self


class FramingInput(FramingLook, Trim, ExportInput):
    """A video, the crop's keyframes, and the part in time to keep.

    Frames count on the input's timeline, also when `start_time` is set.
    """

    crop_keyframes: EasedKeyframes | None = Field(
        description="Null or empty shows the largest rectangle in the middle."
    )

    def plan(self, footage: Footage) -> Plan:
        """What is rendered of this footage. Raises `JobFailed` with `invalid_range`."""
        return plan_framing(
            footage,
            self.output_size,
            [each.plain() for each in self.crop_keyframes or ()],
            start_s=self.start_time,
            end_s=self.end_time,
        ).with_layers(self.plain_layers())


def _likely_s(order: FramingInput, files: Mapping[str, StoredFile]) -> float:
    return likely_s(order, files, start_s=order.start_time, end_s=order.end_time)


KIND = JobKind(
    name="export.framing",
    version=1,
    description="Cuts a video in time and crops it along keyframes, with its sound in sync.",
    input=FramingInput,
    output=ExportResult,
    outputs=DELIVERY_OUTPUTS,
    optional_outputs=OPTIONAL_OUTPUTS,
    asked_outputs=asked_outputs,
    stages=("prepare", "render", "upload", "persist"),
    compute="gpu",
    price=PriceRule(EXPORT_PRICE.limit_s, _likely_s, EXPORT_PRICE.basis),
    deadline_s=DEADLINE_S,
    limits=EXPORT_LIMITS,
)
