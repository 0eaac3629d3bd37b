"""Directions of mixed text: the Unicode Bidirectional Algorithm (UAX #9, revision 50).

The standard library knows each character's class. No library for Python says more than what
a line looks like, and to shape text one needs its levels. Names of rules are the report's.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_DEPTH = 125
_EMBEDDINGS = {"LRE": (0, ""), "RLE": (1, ""), "LRO": (0, "L"), "RLO": (1, "R")}
_ISOLATES = frozenset({"LRI", "RLI", "FSI"})
_REMOVED = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "BN"})  # X9
_NEUTRAL = frozenset({"B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI"})
_SEPARATE = frozenset({"B", "S"})
# BidiBrackets.txt: pairs beside each other, but for these of the mathematical ones.
_PAIRS = (
    "()[]{}\u0f3a\u0f3b\u0f3c\u0f3d\u169b\u169c\u2045\u2046\u207d\u207e\u208d\u208e"
    "\u2308\u2309\u230a\u230b\u2329\u232a\u2768\u2769\u276a\u276b\u276c\u276d\u276e\u276f"
    "\u2770\u2771\u2772\u2773\u2774\u2775\u27c5\u27c6\u27e6\u27e7\u27e8\u27e9\u27ea\u27eb"
    "\u27ec\u27ed\u27ee\u27ef\u2983\u2984\u2985\u2986\u2987\u2988\u2989\u298a\u298b\u298c"
    "\u298d\u2990\u298f\u298e\u2991\u2992\u2993\u2994\u2995\u2996\u2997\u2998\u29d8\u29d9"
    "\u29da\u29db\u29fc\u29fd\u2e22\u2e23\u2e24\u2e25\u2e26\u2e27\u2e28\u2e29\u2e55\u2e56"
    "\u2e57\u2e58\u2e59\u2e5a\u2e5b\u2e5c\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f"
    "\u3010\u3011\u3014\u3015\u3016\u3017\u3018\u3019\u301a\u301b\ufe59\ufe5a\ufe5b\ufe5c"
    "\ufe5d\ufe5e\uff08\uff09\uff3b\uff3d\uff5b\uff5d\uff5f\uff60\uff62\uff63"
)
_CLOSING = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_CANONICAL = {"\u232a": "\u3009"}
_MAX_BRACKETS = 63


@dataclass(frozen=True, slots=True)
class Directions:
    """A paragraph's own level, and the level of each character; odd ones run leftwards."""

    paragraph: int
    levels: tuple[int, ...]


def directions(text: str) -> Directions:
    """The levels of a paragraph without line feeds; its own follows its first letter."""
    types = [unicodedata.bidirectional(each) or "L" for each in text]
    own = _first_strong(types, 0, len(types), _matching(types))
    explicit, resolved = _explicit(types, own)
    levels = list(explicit)
    kept = [i for i, each in enumerate(types) if each not in _REMOVED]
    for sequence in _sequences(types, explicit, kept):
        found = [resolved[i] for i in sequence]
        around = _around(types, explicit, sequence, own, kept)
        _resolve(text, types, sequence, found, around)
        for i, each in zip(sequence, found, strict=True):  # I1, I2
            if levels[i] % 2:
                levels[i] += each != "R"
            else:
                levels[i] += {"L": 0, "R": 1}.get(each, 2)
    for i, each in enumerate(types):  # X9: as if they were not there
        if each in _REMOVED:
            levels[i] = levels[i - 1] if i else own
        elif each in _SEPARATE:  # L1
            levels[i] = own
    return Directions(own, tuple(levels))


def visual_runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """The runs of a line from left to right: first character, the one after, level. L2."""
    runs: list[tuple[int, int, int]] = []
    for i, level in enumerate(levels):
        if runs and runs[-1][2] == level:
            runs[-1] = (runs[-1][0], i + 1, level)
        else:
            runs.append((i, i + 1, level))
    lowest_odd = min((level for level in levels if level % 2), default=1)
    for level in range(max(levels, default=0), lowest_odd - 1, -1):
        at = 0
        while at < len(runs):
            end = at
            while end < len(runs) and runs[end][2] >= level:
                end += 1
            runs[at:end] = runs[at:end][::-1]
            at = max(end, at + 1)
    return runs


def _matching(types: Sequence[str]) -> dict[int, int]:
    """BD9: which PDI ends an isolate; the end of the text where none does."""
    ends, opened = {}, []
    for i, each in enumerate(types):
        if each in _ISOLATES:
            opened.append(i)
        elif each == "PDI" and opened:
            ends[opened.pop()] = i
    return ends | dict.fromkeys(opened, len(types))


def _first_strong(types: Sequence[str], start: int, end: int, ends: dict[int, int]) -> int:
    """P2, P3: the level the first strong character asks for, isolates passed over."""
    i = start
    while i < end:
        if types[i] in ("L", "R", "AL"):
            return 0 if types[i] == "L" else 1
        i = ends.get(i, i) + 1
    return 0


class _Stack:
    """X1: the embeddings and isolates one is in: level, override, whether an isolate."""

    def __init__(self, own: int) -> None:
        self.entries: list[tuple[int, str, bool]] = [(own, "", False)]
        self.lost_isolates = self.lost_embeddings = self.isolates = 0

    def enter(self, odd: int, override: str, isolate: bool) -> bool:
        """X2–X5c: go one deeper, where that is not too deep."""
        level = self.entries[-1][0]
        level = level + 1 + (level % 2 == odd)
        if level <= MAX_DEPTH and not (self.lost_isolates or self.lost_embeddings):
            self.entries.append((level, override, isolate))
            self.isolates += isolate
            return True
        if isolate:
            self.lost_isolates += 1
        elif not self.lost_isolates:
            self.lost_embeddings += 1
        return False

    def leave_isolate(self) -> None:
        """X6a."""
        if self.lost_isolates:
            self.lost_isolates -= 1
        elif self.isolates:
            self.lost_embeddings = 0
            while not self.entries.pop()[2]:
                pass
            self.isolates -= 1

    def leave_embedding(self) -> None:
        """X7."""
        if self.lost_isolates:
            return
        if self.lost_embeddings:
            self.lost_embeddings -= 1
        elif len(self.entries) > 1 and not self.entries[-1][2]:
            self.entries.pop()


def _explicit(types: Sequence[str], own: int) -> tuple[list[int], list[str]]:
    """X1–X8: levels as embeddings and isolates set them, and types with overrides applied."""
    ends, stack = _matching(types), _Stack(own)
    levels, resolved = [own] * len(types), list(types)
    for i, each in enumerate(types):
        if each in _EMBEDDINGS:
            odd, override = _EMBEDDINGS[each]
            stack.enter(odd, override, isolate=False)
        elif each == "PDF":
            stack.leave_embedding()
        elif each not in ("BN", "B"):
            if each == "PDI":
                stack.leave_isolate()
            levels[i], override, _ = stack.entries[-1]
            resolved[i] = override or each
            if each in _ISOLATES:
                inside = _first_strong(types, i + 1, ends[i], ends)
                odd = inside if each == "FSI" else int(each == "RLI")
                stack.enter(odd, "", isolate=True)
    return levels, resolved


def _sequences(
    types: Sequence[str], levels: Sequence[int], kept: Sequence[int]
) -> Iterator[list[int]]:
    """X10: isolating run sequences, each the places of its characters."""
    runs: list[list[int]] = []
    for i in kept:
        if runs and levels[runs[-1][-1]] == levels[i]:
            runs[-1].append(i)
        else:
            runs.append([i])
    ends = _matching(types)
    ended = {end for end in ends.values() if end < len(types)}
    begins = {run[0]: run for run in runs}
    for run in runs:
        if types[run[0]] == "PDI" and run[0] in ended:
            continue
        sequence = list(run)
        while types[sequence[-1]] in _ISOLATES and ends[sequence[-1]] in begins:
            sequence += begins[ends[sequence[-1]]]
        yield sequence


def _around(
    types: Sequence[str],
    levels: Sequence[int],
    sequence: Sequence[int],
    own: int,
    kept: Sequence[int],
) -> tuple[str, str, str]:
    """X10: the directions before a sequence, after it, and of itself."""
    level = levels[sequence[0]]
    at, beyond = bisect_left(kept, sequence[0]), bisect_right(kept, sequence[-1])
    before = levels[kept[at - 1]] if at else own
    open_ended = beyond == len(kept) or types[sequence[-1]] in _ISOLATES
    after = own if open_ended else levels[kept[beyond]]
    return _direction(max(level, before)), _direction(max(level, after)), _direction(level)


def _resolve(
    text: str,
    types: Sequence[str],
    sequence: Sequence[int],
    found: list[str],
    around: tuple[str, str, str],
) -> None:
    start, end, inner = around
    _resolve_weak(found, start)
    _resolve_brackets(text, types, found, sequence, start, inner)
    _resolve_neutral(found, start, end, inner)


def _direction(level: int) -> str:
    return "R" if level % 2 else "L"


def _resolve_weak(found: list[str], start: str) -> None:
    _resolve_marks(found, start)
    _resolve_letters(found, start)
    for at in range(1, len(found) - 1):  # W4
        around = {found[at - 1], found[at + 1]}
        if found[at] in ("ES", "CS") and around == {"EN"}:
            found[at] = "EN"
        elif found[at] == "CS" and around == {"AN"}:
            found[at] = "AN"
    _join_terminators(found)
    strong = start
    for at, each in enumerate(found):  # W6, W7
        if each in ("ES", "ET", "CS"):
            found[at] = "ON"
        elif each in ("L", "R"):
            strong = each
        elif each == "EN" and strong == "L":
            found[at] = "L"


def _resolve_marks(found: list[str], start: str) -> None:
    """W1: marks are what they stand on."""
    before = start
    for at, each in enumerate(found):
        if each == "NSM":
            found[at] = "ON" if before in _ISOLATES or before == "PDI" else before
        before = found[at]


def _resolve_letters(found: list[str], start: str) -> None:
    """W2, W3: digits after Arabic letters are Arabic digits, and the letters right to left."""
    strong = start
    for at, each in enumerate(found):
        if each in ("L", "R", "AL"):
            strong = each
            found[at] = "R" if each == "AL" else each
        elif each == "EN" and strong == "AL":
            found[at] = "AN"


def _join_terminators(found: list[str]) -> None:
    """W5: currency and percent signs beside European digits go with them."""
    at = 0
    while at < len(found):
        end = at
        while end < len(found) and found[end] == "ET":
            end += 1
        if end > at:
            beside = (found[at - 1] if at else "", found[end] if end < len(found) else "")
            if "EN" in beside:
                found[at:end] = ["EN"] * (end - at)
        at = max(end, at + 1)


def _strong(kind: str) -> str:
    return "R" if kind in ("EN", "AN") else kind


def _resolve_brackets(
    text: str,
    types: Sequence[str],
    found: list[str],
    sequence: Sequence[int],
    start: str,
    inner: str,
) -> None:
    """N0: both of a pair take one direction."""
    for opening, closing in _pairs(text, found, sequence):
        inside = {_strong(each) for each in found[opening + 1 : closing]} & {"L", "R"}
        if not inside:
            continue
        chosen = inner
        if inner not in inside:
            earlier = (_strong(each) for each in reversed(found[:opening]))
            context = next((each for each in earlier if each in ("L", "R")), start)
            chosen = context if context != inner else inner
        for at in (opening, closing):
            found[at] = chosen
            for next_at in range(at + 1, len(found)):  # marks on a bracket go with it
                if types[sequence[next_at]] != "NSM":
                    break
                found[next_at] = chosen


def _pairs(text: str, found: Sequence[str], sequence: Sequence[int]) -> list[tuple[int, int]]:
    """BD16: pairs of brackets, in the order of their opening ones."""
    pairs: list[tuple[int, int]] = []
    opened: list[tuple[str, int]] = []
    for at, i in enumerate(sequence):
        if found[at] != "ON":
            continue
        if text[i] in _CLOSING:
            if len(opened) == _MAX_BRACKETS:
                return []
            opened.append((_same(_CLOSING[text[i]]), at))
            continue
        for depth in range(len(opened) - 1, -1, -1):
            if opened[depth][0] == _same(text[i]):
                pairs.append((opened[depth][1], at))
                del opened[depth:]
                break
    return sorted(pairs)


def _same(closing: str) -> str:
    return _CANONICAL.get(closing, closing)


def _resolve_neutral(found: list[str], start: str, end: str, inner: str) -> None:
    """N1, N2: between two of one direction that one, else that of the embedding."""
    at = 0
    while at < len(found):
        stop = at
        while stop < len(found) and found[stop] in _NEUTRAL:
            stop += 1
        if stop > at:
            before = _strong(found[at - 1]) if at else start
            after = _strong(found[stop]) if stop < len(found) else end
            found[at:stop] = [before if before == after else inner] * (stop - at)
        at = max(stop, at + 1)
