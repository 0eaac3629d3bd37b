"""How far a whole job is, from how far one of its stages is; it never goes back."""

from collections.abc import Sequence

# Shares of the whole; the stages not named here divide what is left evenly.
_SHARES = {"prepare": 0.05, "plan": 0.05, "upload": 0.08, "persist": 0.02}
MOST = 0.99  # the whole is done when the gateway says so


class StageProgress:
    """One attempt's way through its kind's stages."""

    def __init__(self, stages: Sequence[str]) -> None:
        working = [stage for stage in stages if stage not in _SHARES]
        taken = sum(_SHARES.get(stage, 0.0) for stage in stages)
        share = (1.0 - taken) / len(working) if working else 0.0
        self._shares = [(stage, _SHARES.get(stage, share)) for stage in stages]
        self._at = 0
        self._overall = 0.0

    @property
    def stage(self) -> str:
        """The stage the attempt is in."""
        return self._shares[self._at][0]

    def at(self, stage: str, fraction: float) -> tuple[str, float]:
        """Return the stage and the share of the whole, 0 to `MOST`; both only grow.

        A stage that is behind, or not of this kind, changes nothing.
        """
        names = [name for name, _ in self._shares]
        if stage in names[self._at :]:
            self._at = names.index(stage)
            before = sum(share for _, share in self._shares[: self._at])
            overall = before + self._shares[self._at][1] * min(1.0, max(0.0, fraction))
            self._overall = max(self._overall, min(MOST, overall))
        return self.stage, self._overall
