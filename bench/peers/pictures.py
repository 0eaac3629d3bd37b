"""What both peers do to one picture, as a program with OpenCV at hand does it."""

from typing import Any

import cv2
import numpy as np

from bench.peers.orders import Order, whole

Array = Any


def made(picture: Array, order: Order, n: int) -> Array:
    """Frame n of the order, from (rows, columns, 3) bytes to the same of the output's size."""
    if order.rects:
        top, bottom, left, right = whole(order.rects[min(n, len(order.rects) - 1)])
        crop = picture[top:bottom, left:right]
        return cv2.resize(crop, order.output, interpolation=cv2.INTER_CUBIC)
    ellipse = order.ellipses[min(n, len(order.ellipses) - 1)]
    mask = _mask(picture.shape, ellipse)[:, :, None]
    soft = cv2.GaussianBlur(picture, (0, 0), order.sigma_px)
    return (picture * mask + soft * (1 - mask) + 0.5).astype(np.uint8)


def _mask(shape: tuple[int, ...], ellipse: tuple[float, float, float, float]) -> Array:
    """1 inside, 0 outside, with an edge about a pixel wide."""
    centre_x, centre_y, radius_x, radius_y = ellipse
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    away = np.hypot(
        (columns + np.float32(0.5) - centre_x) / radius_x,
        (rows + np.float32(0.5) - centre_y) / radius_y,
    )
    return np.clip(0.5 - (away - 1) * min(radius_x, radius_y), 0, 1).astype(np.float32)
