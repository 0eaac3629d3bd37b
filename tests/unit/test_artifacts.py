"""Which files an input names."""

from typing import Any

from shared.artifacts import FileRef, ImageRef, PictureRef, VideoRef, references_in
from shared.job_kind import Wire


class Point(Wire):
    """Nothing of a file."""

    x: int


class Shot(Wire):
    """A file, and what nests."""

    video: VideoRef
    inner: "tuple[Shot, ...]" = ()


class Order(Wire):
    """Files at every depth."""

    points: tuple[Point, ...] = ()
    shots: list[Shot] = []
    cover: ImageRef | None = None
    more: list[VideoRef] = []
    seen: PictureRef | None = None
    plain: FileRef | None = None
    free: dict[str, Any] = {}


def ref(name):
    return {"asset_id": name}


def test_every_reference_is_found_in_the_order_of_the_fields():
    order = Order.model_validate(
        {
            "points": [{"x": 1}],
            "shots": [
                {"video": ref("a1"), "inner": [{"video": ref("a2")}]},
                {"video": ref("a3")},
            ],
            "cover": ref("a4"),
            "more": [ref("a5")],
            "seen": ref("a6"),
            "plain": {"job_id": "j1", "output": "video"},
        }
    )
    found = [(each.name, each.ref.asset_id, each.families) for each in references_in(order)]
    assert found == [
        ("shots.0.video", "a1", ("video",)),
        ("shots.0.inner.0.video", "a2", ("video",)),
        ("shots.1.video", "a3", ("video",)),
        ("cover", "a4", ("image",)),
        ("more.0", "a5", ("video",)),
        ("seen", "a6", ("image", "video")),
        ("plain", None, ()),
    ]


def test_what_holds_no_reference_has_none():
    assert list(references_in(Order())) == []
    assert list(references_in(Point(x=1))) == []
