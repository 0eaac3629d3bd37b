"""Which picture is made of a video, and how large a thumbnail may be."""

from shared.render.still_formats import StillFormat
from tests.attack.tables.looks import LATEST_FRAME
from tests.attack.tables.routes import Fields
from tests.attack.tables.values import known, number, whole

THUMBNAIL: Fields = {"max_size": whole(16, 2048, as_float=True, missing=False)}

FRAME: Fields = {
    "frame": whole(0, LATEST_FRAME, as_float=True, null=True, missing=False),
    "format": known(StillFormat),
    "quality": whole(1, 100, as_float=True, missing=False),
}
TIME: Fields = {"time": number(0, 1e308, null=True, missing=False)}
