"""`export.overlay`: highlight what matters in a video, then crop it to the output's shape."""

from pydantic import Field
from typing_extensions import override

from shared.delivery_models import DELIVERY_OUTPUTS, OPTIONAL_OUTPUTS, asked_outputs
from shared.job_kind import JobKind
from shared.movement_models import MAX_REGION_KEYFRAMES, MovingLook
from shared.render.effects import Effect
from shared.render.plan import Footage, Plan
from shared.render_models import (
    EXPORT_LIMITS,
    MAX_REGIONS,
    CropKeyframes,
    EffectType,
    ExportInput,
    ExportResult,
    HighlightRegions,
    OutputShape,
)
from shared.render_price import DEADLINE_S, EXPORT_PRICE


class OverlayLook(OutputShape):
    """The ellipses to highlight and how, and the crop's keyframes, straight lines between."""

    highlight_regions: HighlightRegions = Field((), description="Ellipses, in list order.")
    effect_type: EffectType = Field(Effect.BLUR, description="One effect for the whole export.")
    crop_keyframes: CropKeyframes | None = Field(
        None, description="Null or empty shows the largest rectangle in the middle."
    )


class OverlayInput(MovingLook, ExportInput):
    """A video, and how it is to look."""

    @override
    def plan(self, footage: Footage) -> Plan:
        """What is rendered of this footage."""
        return super().plan(footage).with_layers(self.plain_layers())


KIND = JobKind(
    name="export.overlay",
    version=1,
    description="Blurs, darkens or paints around highlighted ellipses, and crops the video.",
    input=OverlayInput,
    output=ExportResult,
    outputs=DELIVERY_OUTPUTS,
    optional_outputs=OPTIONAL_OUTPUTS,
    asked_outputs=asked_outputs,
    stages=("prepare", "render", "upload", "persist"),
    compute="gpu",
    price=EXPORT_PRICE,
    deadline_s=DEADLINE_S,
    limits={
        **EXPORT_LIMITS,
        "highlight_regions": MAX_REGIONS,
        "region_keyframes": MAX_REGION_KEYFRAMES,
    },
)
