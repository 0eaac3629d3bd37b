"""MoviePy: frames as RGB arrays through a function, its own pipes to ffmpeg and back."""

from moviepy import VideoFileClip

from bench.peers.orders import ENCODER, Order, serve
from bench.peers.pictures import made


def make(order: Order) -> None:
    """Write the video, with its sound."""
    with VideoFileClip(order.clip) as clip:
        changed = clip.transform(
            lambda frame_at, time_s: made(frame_at(time_s), order, round(time_s * clip.fps))
        )
        changed.write_videofile(
            order.into,
            codec="libx264",
            audio_codec="aac",
            temp_audiofile=f"{order.into}.m4a",
            ffmpeg_params=["-crf", str(order.crf), *ENCODER[2:]],
            preset=ENCODER[1],
            logger=None,
        )


if __name__ == "__main__":
    serve(make)
