"""A plain loop: OpenCV reads, frames go raw through a pipe to ffmpeg, which adds the sound."""

import os
import subprocess

import cv2

from bench.peers.orders import ENCODER, Order, serve
from bench.peers.pictures import made


def make(order: Order) -> None:
    """Write the video, with its sound. Raises `RuntimeError` where ffmpeg fails."""
    width, height = order.output
    command = [
        *(os.environ["IMAGEIO_FFMPEG_EXE"], "-y", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}"),
        *("-r", str(order.rate), "-i", "-", "-i", order.clip, "-map", "0:v", "-map", "1:a?"),
        *("-c:v", "libx264", "-crf", str(order.crf), *ENCODER, "-c:a", "copy", order.into),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    if encoder.stdin is None:
        raise RuntimeError("a pipe was asked for")
    film = cv2.VideoCapture(order.clip)
    n = 0
    while True:
        there, picture = film.read()
        if not there:
            break
        encoder.stdin.write(made(picture, order, n).tobytes())
        n += 1
    film.release()
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise RuntimeError(f"ffmpeg ended with {encoder.returncode}")


if __name__ == "__main__":
    serve(make)
