"""Listings by pages against what a listing means, for any keys."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from infra.local.object_store.listing import Page, page_of, read_list_query
from infra.local.object_store.sealed import Record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
keys = st.lists(st.text("ab/-é", min_size=1, max_size=6), max_size=12, unique=True)


def _records(names: list[str]) -> list[Record]:
    return [Record(name, 1, "etag", NOW, {}, {}) for name in names]


def _all_pages(records: list[Record], query: dict[str, str]) -> list[Page]:
    pages = [page_of(records, read_list_query(query))]
    while (token := pages[-1].next_token) is not None:
        assert len(pages) <= len(records)
        pages.append(page_of(records, read_list_query({**query, "continuation-token": token})))
    return pages


@given(
    keys,
    st.text("ab/-é", max_size=3),
    st.sampled_from(["", "/", "a", "-a"]),
    st.text("ab/-é", max_size=4),
    st.integers(1, 5),
)
def test_the_pages_of_a_listing_are_the_listing(
    names: list[str], prefix: str, delimiter: str, after: str, page_size: int
) -> None:
    query = {
        "prefix": prefix,
        "delimiter": delimiter,
        "start-after": after,
        "max-keys": str(page_size),
    }

    pages = _all_pages(_records(names), query)

    under = [name for name in sorted(names) if name.startswith(prefix) and name > after]
    folded = {
        name: name[: name.find(delimiter, len(prefix)) + len(delimiter)]
        for name in under
        if delimiter and delimiter in name[len(prefix) :]
    }
    assert [r.key for page in pages for r in page.records] == [
        name for name in under if name not in folded
    ]
    assert [p for page in pages for p in page.prefixes] == sorted(set(folded.values()))
    assert all(1 <= len(p.records) + len(p.prefixes) <= page_size for p in pages[:-1])
