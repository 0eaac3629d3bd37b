"""Headers of video streams that say a size, written bit by bit."""


class Bits:
    """Numbers put together bit by bit, the highest first."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def u(self, *pairs: tuple[int, int]) -> "Bits":
        """Numbers by (value, width in bits)."""
        self._bits += [f"{value:0{width}b}" for value, width in pairs]
        return self

    def ue(self, *values: int) -> "Bits":
        """Numbers in exponential Golomb code (H.264, 9.1)."""
        for value in values:
            code = f"{value + 1:b}"
            self._bits.append("0" * (len(code) - 1) + code)
        return self

    def ended(self) -> bytes:
        """The bytes, after a stop bit."""
        bits = "".join(self._bits) + "1"
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8)


def _escaped(payload: bytes) -> bytes:
    """No three bytes of a unit may look like its beginning (H.264, 7.4.1)."""
    made, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            made.append(3)
            zeros = 0
        made.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(made)


def h264_sps(wide_mbs: int, high_mbs: int) -> bytes:
    """A sequence parameter set of the baseline profile (H.264, 7.3.2.1.1)."""
    bits = Bits().u((66, 8), (0xC0, 8), (30, 8)).ue(0, 0, 2, 1).u((0, 1))
    bits.ue(wide_mbs - 1, high_mbs - 1).u((1, 1), (1, 1), (0, 1), (0, 1))
    return b"\x67" + _escaped(bits.ended())


def hevc_sps(width: int, height: int) -> bytes:
    """A sequence parameter set of the main profile (H.265, 7.3.2.2.1)."""
    bits = Bits().u((0, 4), (0, 3), (1, 1))
    bits.u((0, 2), (0, 1), (1, 5), (0x60000000, 32), (0x9, 4), (0, 43), (0, 1), (93, 8))
    bits.ue(0, 1, width, height).u((0, 1)).ue(0, 0, 4).u((1, 1)).ue(4, 0, 0)
    bits.ue(0, 3, 0, 3, 0, 0).u((0, 1), (0, 1), (0, 1), (0, 1)).ue(0)
    bits.u((0, 1), (0, 1), (0, 1), (0, 1), (0, 1))
    return b"\x42\x01" + _escaped(bits.ended())


def vp9_key_frame(frame: bytes, width: int, height: int) -> bytes:
    """A key frame of profile 0 that says another size (VP9 bitstream, 6.2 and 6.2.2)."""
    bits = f"{int.from_bytes(frame[:12]):096b}"
    sized = bits[:36] + f"{width:016b}{height:016b}" + bits[68:]
    return int(sized, 2).to_bytes(12) + frame[12:]


def av1_sequence(width: int, height: int) -> bytes:
    """A sequence header unit of the main profile (AV1 bitstream, 5.5.1)."""
    bits = Bits().u((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (0, 5))
    bits.u((15, 4), (15, 4), (width - 1, 16), (height - 1, 16), (0, 1))
    bits.u((0, 1), (0, 1), (0, 1), *[(0, 1)] * 4, (0, 1), (1, 1), (1, 1))
    bits.u((0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 2), (0, 1), (0, 1))
    payload = bits.ended()
    return bytes([1 << 3 | 2, len(payload)]) + payload


def without_av1_sequence(data: bytes) -> bytes:
    """A frame's units but for sequence headers; each states its size (AV1, 5.3 and 4.10.5)."""
    made, at = b"", 0
    while at < len(data):
        size, shift, begins = 0, 0, at + 1
        while data[begins] & 0x80:
            size |= (data[begins] & 0x7F) << shift
            shift, begins = shift + 7, begins + 1
        ends = begins + 1 + (size | data[begins] << shift)
        made += data[at:ends] if data[at] >> 3 & 15 != 1 else b""
        at = ends
    return made
