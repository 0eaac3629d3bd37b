"""Layers on the wire: pictures and texts laid over an export's finished output.

The field is left out where an input is written down without layers, so that an order that
names none is the same order, and has the same hash, as before there were any.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from shared.artifacts import FontRef, ImageRef
from shared.job_kind import UNTAGGED, Rule, Wire
from shared.numbers import LARGEST_WHOLE, WHOLE, Number
from shared.render.layers import (
    Align,
    Anchor,
    Box,
    Layer,
    Outline,
    Picture,
    Placement,
    Shadow,
    Text,
    Weight,
)

MAX_LAYERS: Final = 50
MAX_TEXT_LENGTH: Final = 2000
MAX_TEXT_LENGTH_TOGETHER: Final = 10_000
FONTS: Final = ("noto-sans", "noto-serif")
LAYER_LIMITS: Final = {"layers": MAX_LAYERS, "layer_text_length": MAX_TEXT_LENGTH}

_FURTHEST, _LARGEST, _SMALLEST = 4.0, 4.0, 0.001  # in fractions of the output

_Frame = Annotated[int, Field(strict=True, ge=0, le=LARGEST_WHOLE), WHOLE]
_Position = Annotated[Number, Field(ge=-_FURTHEST, le=_FURTHEST)]
_Side = Annotated[Number, Field(ge=_SMALLEST, le=_LARGEST)]
_Share = Annotated[Number, Field(ge=0, le=1)]
_Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
# Line feeds break lines; other control characters mean nothing in a picture.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue


class _AnyLayer(Wire):
    anchor: Anchor = Field(
        Anchor.CENTER,
        description="The point of the layer that `x` and `y` place, and where it goes without "
        "them: `bottom_right` lies in the output's bottom right corner.",
    )
    x: _Position | None = Field(
        None,
        description="Where the anchor lies, in fractions of the output's width. Null is the "
        "anchor's own place, `margin` inwards.",
    )
    y: _Position | None = Field(
        None, description="As `x`, down, in fractions of the output's height."
    )
    margin: Annotated[Number, Field(ge=0, le=1)] = Field(
        0.0,
        description="Distance from the edges the anchor names, in fractions of the output's "
        "shorter side; used where `x` or `y` is null.",
    )
    opacity: _Share = 1.0
    start_frame: _Frame | None = Field(
        None,
        description="First frame of the input's timeline, from 0; null is the first shown.",
    )
    end_frame: _Frame | None = Field(
        None, description="The frame after the last; null is the end of the output."
    )
    fade_in: _Frame = Field(0, description="Frames, inside the range.")
    fade_out: _Frame = Field(0, description="Frames, inside the range.")

    @model_validator(mode="after")
    def _has_frames(self) -> "_AnyLayer":
        if self.end_frame is not None and self.end_frame <= (self.start_frame or 0):
            raise Rule(
                "invalid_range", "end_frame must be after start_frame", at=("end_frame",)
            )
        return self

    def _layer(self, content: Picture | Text, placement: Placement) -> Layer:
        return Layer(
            content=content,
            placement=placement,
            opacity=self.opacity,
            start_frame=self.start_frame,
            end_frame=self.end_frame,
            fade_in=self.fade_in,
            fade_out=self.fade_out,
        )


class ImageLayer(_AnyLayer):
    """A PNG, JPEG or WebP with its transparency, as its metadata turns it, in sRGB."""

    type: Literal["image"] = "image"
    image: ImageRef = Field(description="The picture.")
    width: _Side | None = Field(
        None,
        description="Fraction of the output's width. With `height` alone it follows from the "
        "picture's aspect; with neither the picture keeps its pixels.",
    )
    height: _Side | None = Field(
        None, description="Fraction of the output's height; without it, from the aspect."
    )

    def plain(self) -> Layer:
        """The value the render computes with."""
        return self._layer(
            Picture(),
            Placement(self.anchor, self.x, self.y, self.margin, self.width, self.height),
        )


class TextBox(Wire):
    """A rectangle behind a text."""

    color: _Color = "#000000"
    opacity: _Share = 1.0
    padding: Annotated[Number, Field(ge=0, le=4)] = Field(
        0.25, description="On each side, in ems: an em is the text's `size`."
    )

    def plain(self) -> Box:
        """The value the render computes with."""
        return Box(_rgb(self.color), self.opacity, self.padding)


class TextOutline(Wire):
    """A line around letters."""

    color: _Color = "#000000"
    width: Annotated[Number, Field(gt=0, le=0.2)] = Field(0.06, description="In ems.")

    def plain(self) -> Outline:
        """The value the render computes with."""
        return Outline(_rgb(self.color), self.width)


class TextShadow(Wire):
    """Letters once more behind themselves."""

    color: _Color = "#000000"
    opacity: _Share = 0.5
    x: Annotated[Number, Field(ge=-1, le=1)] = Field(0.06, description="To the right, in ems.")
    y: Annotated[Number, Field(ge=-1, le=1)] = Field(0.06, description="Down, in ems.")
    blur: Annotated[Number, Field(ge=0, le=0.25)] = Field(
        0.06, description="Standard deviation of the blur, in ems."
    )

    def plain(self) -> Shadow:
        """The value the render computes with."""
        return Shadow(_rgb(self.color), self.opacity, self.x, self.y, self.blur)


class TextLayer(_AnyLayer):
    """A text in any script, shaped and set in lines."""

    type: Literal["text"] = "text"
    text: str = Field(
        min_length=1,
        max_length=MAX_TEXT_LENGTH,
        description="Line feeds break lines; the direction of each follows its first letter.",
    )
    font: Literal["noto-sans", "noto-serif"] = Field(
        "noto-sans",
        description="A bundled family. Scripts it lacks come from the other bundled fonts.",
    )
    font_file: FontRef | None = Field(
        None, description="A TrueType or OpenType font of one's own, asked before `font`."
    )
    size: Annotated[Number, Field(ge=0.005, le=0.5)] = Field(
        0.05, description="An em, in fractions of the output's height."
    )
    weight: Weight = Field(
        Weight.REGULAR, description="Bold thickens a font that has no bold of its own."
    )
    color: _Color = "#ffffff"
    align: Align = Field(
        Align.START, description="`start` and `end` follow each line's direction."
    )
    line_spacing: Annotated[Number, Field(ge=0.5, le=4)] = Field(
        1.0, description="In units of the font's own distance of lines."
    )
    max_width: Annotated[Number, Field(ge=0.01, le=_LARGEST)] = Field(
        0.9, description="Where lines are broken, in fractions of the output's width."
    )
    language: str = Field(
        "",
        max_length=35,
        pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$",
        description="BCP 47, as `ja` or `zh-Hans`: chooses between forms of one character.",
    )
    background: TextBox | None = None
    outline: TextOutline | None = None
    shadow: TextShadow | None = None

    @field_validator("text")
    @classmethod
    def _can_be_drawn(cls, text: str) -> str:
        text = text.replace("\r\n", "\n")
        if _CONTROL.search(text):
            raise ValueError("a text holds no control characters but line feeds and tabs")
        if not text.strip():
            raise ValueError("a text holds more than spaces")
        return text

    def plain(self) -> Layer:
        """The value the render computes with."""
        box, outline, shadow = self.background, self.outline, self.shadow
        text = Text(
            text=self.text,
            font=self.font,
            own_font=self.font_file is not None,
            size=self.size,
            weight=self.weight,
            color=_rgb(self.color),
            align=self.align,
            line_spacing=self.line_spacing,
            max_width=self.max_width,
            language=self.language,
            box=box.plain() if box else None,
            outline=outline.plain() if outline else None,
            shadow=shadow.plain() if shadow else None,
        )
        return self._layer(text, Placement(self.anchor, self.x, self.y, self.margin))


AnyLayer = Annotated[ImageLayer | TextLayer, Field(discriminator="type"), UNTAGGED]


def _is_empty(value: Any) -> bool:
    return not value


class LayerChoice(Wire):
    """Pictures and texts over the finished picture."""

    layers: Annotated[tuple[AnyLayer, ...], Field(max_length=MAX_LAYERS, fail_fast=True)] = (
        Field(
            (),
            description="Drawn over the cropped output, the first at the bottom.",
            exclude_if=_is_empty,
        )
    )

    @model_validator(mode="after")
    def _texts_short_enough(self) -> "LayerChoice":
        texts = [len(each.text) for each in self.layers if isinstance(each, TextLayer)]
        if sum(texts) > MAX_TEXT_LENGTH_TOGETHER:
            raise Rule(
                "validation_failed",
                f"texts together are at most {MAX_TEXT_LENGTH_TOGETHER} characters",
                at=("layers",),
            )
        return self

    def plain_layers(self) -> tuple[Layer, ...]:
        """The values the render computes with, in drawing order."""
        return tuple(each.plain() for each in self.layers)
