"""What the exports surface takes."""

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import (
    Field,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core.core_schema import ValidationInfo

from gateway.api.plain_numbers import PLAIN_WHOLE
from gateway.api.products.unknown_fields import AlsoKnown, ForgivingBody
from shared.job_kind import Rule
from shared.kinds.export.framing import FramingLook, Trim
from shared.kinds.export.overlay import OverlayLook

LARGEST_ID = 2**53
LONGEST_KEY = 1024

ExportType = Literal["overlay", "framing"]


ProjectId = Annotated[
    int, Field(strict=True, ge=1, le=LARGEST_ID, description="Your own number of the project.")
]
ClipIndex = Annotated[int, Field(strict=True, ge=0, le=LARGEST_ID)]
ProjectInPath = Annotated[int, Path(ge=1, le=LARGEST_ID), PLAIN_WHOLE]
ClipInPath = Annotated[int, Path(ge=0, le=LARGEST_ID), PLAIN_WHOLE]
VideoKey = Annotated[
    str,
    Field(max_length=LONGEST_KEY, description="A `video_key` that `upload-url` answered."),
]


class OverlayAsked(ForgivingBody, OverlayLook):
    """An overlay of a project's working video."""

    project_id: ProjectId


class FramingAsked(ForgivingBody, FramingLook):
    """A framing of a project's clip; what of it is kept is said by the clip."""

    project_id: ProjectId
    clip_index: ClipIndex = Field(description="Position of the clip in the project, from 0.")


LOOKS: dict[str, type[OverlayLook | FramingLook]] = {
    "overlay": OverlayLook,
    "framing": FramingLook,
}
# Fields of this surface that would be ignored as unknown where they do not belong.
_MISPLACED = {
    "overlay": frozenset({"clip_index", "start_time", "end_time"}),
    "framing": frozenset(
        {"clip_index", "start_time", "end_time", "highlight_regions", "effect_type"}
    ),
}
_FRAMING_ONLY = ("clip_index", "start_time", "end_time")


class JobAsked(ForgivingBody, Trim):
    """An export of a stored video, in the words of the Workers API."""

    project_id: ProjectId
    type: ExportType
    input_video_key: VideoKey
    params: Annotated[OverlayLook | FramingLook, AlsoKnown(frozenset(_FRAMING_ONLY))] = Field(
        description="What the type takes; a framing needs `crop_keyframes`."
    )
    clip_index: ClipIndex | None = Field(
        None, description="A label: the clip's position in the project, from 0."
    )

    @field_validator("params", mode="wrap")
    @classmethod
    def _params_of_the_type(
        cls, value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        type_ = info.data.get("type")
        if type_ is None:
            return value  # refused already, for its type
        if isinstance(value, dict):
            for name in sorted(_MISPLACED[type_] & value.keys()):
                raise Rule("validation_failed", f"not in params of {type_}", at=(name,))
        return LOOKS[type_].model_validate(value)

    @model_validator(mode="after")
    def _nothing_of_framing_in_an_overlay(self) -> "JobAsked":
        for name in _FRAMING_ONLY if self.type == "overlay" else ():
            if getattr(self, name) is not None:
                raise Rule("validation_failed", "only a framing has it", at=(name,))
        return self


class UploadUrlAsked(ForgivingBody):
    """A video that is to be put."""

    filename: str = Field(
        min_length=1, max_length=255, description="The user's name for it; in no key."
    )
    content_type: str = Field(
        "video/mp4", max_length=128, description="MP4, `video/quicktime` or `video/webm`."
    )
    size_bytes: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=LARGEST_ID,
        description="If given, the bucket takes exactly so many bytes.",
    )
    job_id: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="The id in a `video_key` of yours that nothing was put to yet.",
    )


class ProjectAsked(ForgivingBody):
    """What a project's overlays are made of; null takes the video away."""

    working_video_key: VideoKey | None


class ClipAsked(ForgivingBody, Trim):
    """What a clip's framings are made of; times in seconds, a null end is that of the video."""

    source_video_key: VideoKey
