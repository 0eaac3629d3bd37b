"""What a machine's accelerator was seen to do: found once at start, handed to every child."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the GPU does here; nothing, unless it was tried.

    `warps`: our kernels run on it. `decodes`: codecs with their bits, as "hevc 10", in 4:2:0.
    `encodes`: codecs by the names of `shared.render.delivery.Codec`.
    """

    warps: bool = False
    decodes: frozenset[str] = frozenset()
    encodes: frozenset[str] = frozenset()

    @property
    def any(self) -> bool:
        """Whether a render has any use for it."""
        return self.warps or bool(self.encodes)


NO_HARDWARE = Hardware()
