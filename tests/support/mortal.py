"""Ports that die with their process at a chosen call, before it or just after it."""

from typing import Any


class Killed(BaseException):
    """The process ends here: nothing that is written catches this."""


class Life:
    """So many calls, over all ports that share it; the last one's answer may be lost."""

    def __init__(self, calls: int, *, answer_lost: bool) -> None:
        self.left = calls
        self.answer_lost = answer_lost

    def spend(self) -> bool:
        """Count a call; True where it is the last."""
        self.left -= 1
        return self.left <= 0


class Mortal:
    """Passes calls on while there is life."""

    def __init__(self, inner: Any, life: Life) -> None:
        self._inner, self._life = inner, life

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return await self._live(self._inner, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        async def called(*args: Any, **kwargs: Any) -> Any:
            return await self._live(getattr(self._inner, name), *args, **kwargs)

        return called

    async def _live(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        last = self._life.spend()
        if last and not self._life.answer_lost:
            raise Killed
        answer = await call(*args, **kwargs)
        if last:
            raise Killed
        return answer
