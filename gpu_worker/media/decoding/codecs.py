"""The codecs we decode: what cameras, phones, editors and screen recorders write.

ffmpeg knows five hundred, most of them for games and formats of the nineties that nobody has
looked at for as long. None but these is opened, neither by us nor by ffmpeg on its own.
"""

from typing import Final

VIDEO: Final = frozenset(
    {
        *("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "vvc"),
        *("mpeg1video", "mpeg2video", "mpeg4", "h263", "h263p", "flv", "theora"),
        *("msmpeg4", "msmpeg4v1", "msmpeg4v2", "wmv1", "wmv2", "wmv3", "vc1"),
        *("mjpeg", "mjpegb", "png", "prores", "dnxhd", "cfhd", "dvvideo", "jpeg2000"),
        *("ffv1", "ffvhuff", "huffyuv", "utvideo", "magicyuv", "rawvideo", "v210"),
        *("qtrle", "cinepak", "svq1", "svq3", "rpza", "hap"),
    }
)
SOUND: Final = frozenset(
    {
        *("aac", "aac_latm", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float"),
        *("ac3", "eac3", "dca", "truehd", "mlp", "flac", "alac", "vorbis", "opus", "libopus"),
        *("wmav1", "wmav2", "wmapro", "amrnb", "amrwb", "libopencore_amrnb", "qdm2"),
        *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
        *("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"),
        *("pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
    }
)
WHITELIST: Final = ",".join(sorted(VIDEO | SOUND))  # as ffmpeg's `codec_whitelist` is written
