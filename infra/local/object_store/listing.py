"""ListObjectsV2: one page of keys, cut by prefix, delimiter and where the last one ended."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.local.object_store.refusal import Refusal
from infra.local.object_store.sealed import Record

MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a page is asked to hold.

    `after`: the key it begins behind. `told`: a prefix that the page before ended with,
    and that stands for every key under it.
    """

    prefix: str
    delimiter: str
    after: str
    told: str | None
    max_keys: int


@dataclass(frozen=True, slots=True)
class Page:
    """Keys and the prefixes that stand for many; `next_token` where there is more."""

    records: list[Record]
    prefixes: list[str]
    next_token: str | None


def read_list_query(query: Mapping[str, str]) -> ListQuery:
    """Return what the query asks for; `Refusal` 400 where it cannot be read."""
    asked = query.get("max-keys", str(MAX_KEYS))
    if not asked.isascii() or not asked.isdecimal():
        raise Refusal(400, "InvalidArgument", "max-keys is no number.")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    limit = min(int(asked), MAX_KEYS)
    token = query.get("continuation-token")
    if token is None:
        return ListQuery(prefix, delimiter, query.get("start-after", ""), None, limit)
    told, last = _opened(token)
    return ListQuery(prefix, delimiter, last, last if told else None, limit)


def page_of(records: Iterable[Record], asked: ListQuery) -> Page:
    """Return the page, in the order of UTF-8, which is that of Python's strings."""
    wanted = (each for each in records if _is_wanted(each.key, asked))
    names: dict[str, Record | None] = {}
    for record in sorted(wanted, key=lambda each: each.key):
        prefix = _prefix_for(record.key, asked)
        names[record.key if prefix is None else prefix] = record if prefix is None else None
    chosen = list(names.items())[: asked.max_keys]
    more = len(names) > len(chosen) > 0
    return Page(
        [record for _, record in chosen if record is not None],
        [name for name, record in chosen if record is None],
        _closed(*chosen[-1]) if more else None,
    )


def _is_wanted(key: str, asked: ListQuery) -> bool:
    told = asked.told is not None and key.startswith(asked.told)
    return key.startswith(asked.prefix) and key > asked.after and not told


def _prefix_for(key: str, asked: ListQuery) -> str | None:
    """Return what stands for the key, up to the first delimiter; None for itself."""
    if not asked.delimiter:
        return None
    head, found, _ = key[len(asked.prefix) :].partition(asked.delimiter)
    return asked.prefix + head + found if found else None


def _closed(name: str, record: Record | None) -> str:
    return urlsafe_b64encode(f"{'p' if record is None else 'k'}{name}".encode()).decode()


def _opened(token: str) -> tuple[bool, str]:
    """Return whether the page before ended with a prefix, and its last name."""
    try:
        text = urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(400, "InvalidArgument", "The continuation token is not ours.") from error
    return text.startswith("p"), text[1:]
