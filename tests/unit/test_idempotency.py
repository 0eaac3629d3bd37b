"""One request, one hash: whatever its spelling, and only then."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.idempotency import binding, canonical_form, request_hash

NAMES = st.text(min_size=1, max_size=8)
HASHES = st.text("0123456789abcdef", min_size=4, max_size=4)
FIELDS = st.dictionaries(
    NAMES, st.none() | st.booleans() | st.integers() | st.text(), max_size=6
)
FILES = st.lists(st.tuples(NAMES, HASHES), max_size=6)


def hash_of(fields, files):
    return request_hash(canonical_form(fields, files))


@given(FIELDS, FILES, st.randoms())
def test_a_forms_hash_does_not_depend_on_the_order_of_its_parts(fields, files, random):
    shuffled = dict(random.sample(list(fields.items()), len(fields)))
    names = random.sample(sorted({name for name, _ in files}), len({n for n, _ in files}))
    by_name = [file for name in names for file in files if file[0] == name]
    assert hash_of(shuffled, by_name) == hash_of(fields, files)


@given(FIELDS, FIELDS, FILES, FILES)
def test_forms_that_differ_in_a_field_or_a_files_bytes_differ_in_their_hash(a, b, p, q):
    same = canonical_form(a, p) == canonical_form(b, q) and repr(sorted(a.items())) == repr(
        sorted(b.items())
    )
    assert (hash_of(a, p) == hash_of(b, q)) == same


@given(FIELDS, NAMES, HASHES)
def test_a_field_that_spells_a_files_hash_is_no_file(fields, name, sha256):
    as_file = hash_of(fields, [(name, sha256)])
    assert as_file != hash_of({**fields, name: [sha256]}, [])


def test_files_under_one_name_are_a_sequence():
    first, second = ("clips", "aa"), ("clips", "bb")
    assert hash_of({}, [first, second]) != hash_of({}, [second, first])


def test_one_canonical_request_under_two_routes_is_bound_twice():
    v1, exports = (binding(route, "k", {"n": 1}) for route in ("POST /v1/jobs", "POST /x"))
    assert v1 != exports
    assert v1.request_hash == exports.request_hash
    assert binding("POST /v1/jobs", None, {"n": 1}) is None
