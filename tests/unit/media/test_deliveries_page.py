"""docs/deliveries.md says of every setting what it is."""

import re
from pathlib import Path

from gpu_worker.media.encoding.encoders import cpu_encoder
from shared.render.delivery import Codec, Delivery, Quality

ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (\w+) \| (\d+) \|", re.MULTILINE)


def test_the_page_has_the_settings_of_every_codec_and_quality() -> None:
    page = Path("docs/deliveries.md").read_text(encoding="utf-8")
    options = {
        (codec.value, quality.value): cpu_encoder(Delivery(codec, quality), 4).options
        for codec in Codec
        for quality in Quality
    }

    assert [each.groups() for each in ROW.finditer(page)] == [
        (*which, said["preset"], said["crf"]) for which, said in options.items()
    ]
