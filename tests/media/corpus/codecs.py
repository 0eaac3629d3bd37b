"""Codecs and containers, and what samples they hold."""

from shared.render.cropping import Size
from tests.media.corpus.entry import Entry
from tests.media.corpus.recipes import Recipe
from tests.support.footage import BT601, BT709, FULL, LIMITED, Colour

X264 = "-c:v libx264 -preset ultrafast -crf 6"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:qp=8"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 0 -crf 8"
AV1 = "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 0 -crf 10"
FINE = "-qscale:v 2"
SD = Colour(BT601, LIMITED)  # what is meant where nothing is said, below 720 lines

CONTAINERS = (
    Entry(name="mp4-h264-aac"),
    Entry(
        name="mp4-h264-bframes-open-gop",
        recipe=Recipe(
            video="-c:v libx264 -preset veryfast -crf 6 -bf 3 -g 8 -flags -cgop"
            " -x264-params open-gop=1"
        ),
    ),
    Entry(name="mov-h264-pcm", recipe=Recipe(ending="mov", sound="-c:a pcm_s16le")),
    Entry(
        name="mp4-fragmented",
        recipe=Recipe(file="-movflags frag_keyframe+delay_moov -g 6"),
    ),
    Entry(name="mkv-h264-flac", recipe=Recipe(ending="mkv", sound="-c:a flac")),
    Entry(
        name="webm-vp8-vorbis",
        recipe=Recipe(
            ending="webm",
            video="-c:v libvpx -deadline realtime -cpu-used 8 -threads 1 -b:v 4M -qmax 10",
            sound="-c:a libvorbis",
            colour=SD,
        ),
        tags=(5, LIMITED),
    ),
    Entry(name="webm-vp9-opus", recipe=Recipe(ending="webm", video=VP9, sound="-c:a libopus")),
    Entry(name="webm-av1-opus", recipe=Recipe(ending="webm", video=AV1, sound="-c:a libopus")),
    Entry(name="mp4-av1-aac", recipe=Recipe(video=AV1)),
    Entry(name="mp4-hevc-bframes", recipe=Recipe(video=f"{X265} -tag:v hvc1 -bf 3")),
    Entry(
        name="avi-h264-bframes-without-timestamps",
        recipe=Recipe(
            ending="avi",
            video="-c:v libx264 -preset veryfast -crf 6 -bf 3",
            sound="-c:a pcm_s16le",
        ),
    ),
    Entry(
        # The muxer leaves one frame's place empty, for what the MP3 encoder is late by.
        name="avi-mpeg4-mp3-with-a-dropped-frame",
        recipe=Recipe(
            ending="avi",
            video=f"-c:v mpeg4 {FINE} -vtag XVID",
            sound="-c:a libmp3lame",
            colour=SD,
        ),
        shown=(0, *range(24)),
        beep_s=0.4 + 1105 / 48_000,
    ),
    Entry(
        # Two places empty at the beginning, and two frames never written.
        name="avi-xvid-bframes-with-dropped-frames",
        recipe=Recipe(
            ending="avi",
            video=f"-c:v libxvid {FINE} -bf 2",
            sound="-c:a pcm_s16le",
            colour=SD,
        ),
        shown=(*range(22), 21, 21),
        remarks=("input_truncated",),
    ),
    Entry(name="mp4-mpeg4-bframes", recipe=Recipe(video=f"-c:v mpeg4 {FINE} -bf 2")),
    Entry(
        name="mkv-mpeg2-bframes-5.1",
        recipe=Recipe(
            ending="mkv", video=f"-c:v mpeg2video {FINE} -bf 2", sound="-c:a ac3 -ac 6"
        ),
    ),
    Entry(
        name="3gp-h263",
        recipe=Recipe(
            ending="3gp",
            video=f"-c:v h263 {FINE} -g 1",
            size=Size(384, 288),
            stored=Size(352, 288),
            frames=16,
            colour=SD,
        ),
    ),
    Entry(
        name="avi-mjpeg-pcm-44100",
        recipe=Recipe(
            ending="avi",
            video="-c:v mjpeg -qscale:v 1 -qmin 1",
            sound="-c:a pcm_s16le -ar 44100",
            colour=Colour(BT601, FULL),
        ),
        tags=(5, FULL),
    ),
    Entry(
        name="mov-prores-422",
        recipe=Recipe(
            ending="mov",
            video="-c:v prores_ks -profile:v 2",
            kept="yuv422p10le",
            piped="yuv444p16le",
            sound="-c:a pcm_s24le",
        ),
    ),
    Entry(
        name="mkv-ffv1-rgb",
        recipe=Recipe(
            ending="mkv", video="-c:v ffv1", piped="rgb24", kept="bgr0", sound="-c:a libvorbis"
        ),
        tags=(BT601, LIMITED),
    ),
    Entry(
        name="mov-png-rgb48",
        recipe=Recipe(ending="mov", video="-c:v png", piped="rgb24", kept="rgb48be"),
        tags=(BT601, LIMITED),
    ),
    Entry(
        name="mov-dnxhr-422",
        recipe=Recipe(
            ending="mov",
            video="-c:v dnxhd -profile:v dnxhr_hq",
            kept="yuv422p",
            sound="-c:a alac",
        ),
    ),
)
SAMPLES = (
    Entry(name="h264-422", recipe=Recipe(kept="yuv422p")),
    Entry(name="h264-444", recipe=Recipe(kept="yuv444p")),
    Entry(name="h264-10-bits", recipe=Recipe(kept="yuv420p10le", piped="yuv444p16le")),
    Entry(name="h264-422-10-bits", recipe=Recipe(kept="yuv422p10le", piped="yuv444p16le")),
    Entry(
        name="h264-gbr",
        recipe=Recipe(
            video="-c:v libx264rgb -preset ultrafast -crf 6", piped="rgb24", kept="rgb24"
        ),
        tags=(BT601, LIMITED),
    ),
    Entry(
        name="hevc-444-12-bits",
        recipe=Recipe(video=f"{X265} -tag:v hvc1", kept="yuv444p12le", piped="yuv444p16le"),
    ),
    Entry(
        name="hevc-gbr-10-bits",
        recipe=Recipe(video=f"{X265} -tag:v hvc1", kept="gbrp10le", piped="rgb24"),
        tags=(BT601, LIMITED),
    ),
    Entry(
        name="vp9-444",
        recipe=Recipe(ending="webm", video=VP9, kept="yuv444p", sound="-c:a libopus"),
    ),
    Entry(
        name="av1-10-bits",
        recipe=Recipe(video=AV1, kept="yuv420p10le", piped="yuv444p16le"),
    ),
    Entry(name="full-range", recipe=Recipe(colour=Colour(BT709, FULL))),
    Entry(name="bt601", recipe=Recipe(colour=Colour(BT601, LIMITED))),
    Entry(name="bt601-full-range", recipe=Recipe(colour=Colour(BT601, FULL))),
    Entry(
        name="bt2020-sdr-10-bits",
        recipe=Recipe(
            video=f"{X265} -tag:v hvc1",
            colour=Colour(9, LIMITED),
            kept="yuv420p10le",
            piped="yuv444p16le",
        ),
    ),
    Entry(
        name="untagged",
        recipe=Recipe(colour=Colour(BT601, LIMITED), tagged=False),
    ),
    Entry(
        name="prores-tagged-by-its-container",
        recipe=Recipe(
            ending="mov",
            video="-c:v prores_ks -profile:v 0",
            kept="yuv422p10le",
            piped="yuv444p16le",
            colour=Colour(BT601, LIMITED),
        ),
    ),
    Entry(
        name="vp9-tagged-by-its-container",
        recipe=Recipe(
            ending="mkv",
            video=VP9,
            colour=Colour(9, LIMITED),
            kept="yuv420p10le",
            piped="yuv444p16le",
        ),
    ),
)
