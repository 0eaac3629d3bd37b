"""What is said of the routes of previews."""

from types import MappingProxyType

from gateway.api.openapi import examples, refusals
from gateway.api.openapi.operation import Access, Operation, ok
from gateway.api.openapi.preview_models import PlanPreview

_PLAN = """\
What an export would show on each frame, by the very code that its worker plans with: draw \
these rectangles and ellipses over the playing video, and people see what they will get. \
Nothing is written, nothing is charged, no worker is asked, so that a page may ask as often as \
somebody drags a keyframe.

`input` is that of `POST /v1/jobs`. What it is planned for is `footage`: what your player says \
of the video, with the rate as an exact fraction. Leave `footage` out where `input.source` was \
looked at before: an asset with a `probe`, or the output of an export. Where you send it, \
`source` is not looked up, and may be left out.

Frames count on the input's timeline, as keyframes do, also after a trim; `from` and `to` are \
half-open, and only frames that are kept are shown. With `step` each so manieth comes, counted \
from `from`. A page has at most 2,000 frames, and 10,000 ellipses and layers on them; go on \
with `from` at `next_from` until that is null."""

OPERATIONS = MappingProxyType(
    {
        "preview_plan": Operation(
            tag="previews",
            access=Access.JOBS,
            summary="Preview the plan of an export",
            says=_PLAN,
            answers=(ok("The plan, frame by frame.", PlanPreview, examples.PREVIEW),),
            refusals=(
                refusals.ASSET_NOT_FOUND,
                refusals.OUTPUT_NOT_FOUND,
                refusals.NOT_PROBED,
                refusals.UNKNOWN_KIND,
                refusals.WRONG_FAMILY,
                refusals.DUPLICATE_KEYFRAME,
                refusals.INVALID_RANGE,
                refusals.UNKNOWN_EFFECT_TYPE,
                refusals.UNKNOWN_EASING,
            ),
            body={"framing": examples.PREVIEW_REQUEST},
        ),
    }
)
